# SPDX-License-Identifier: Apache-2.0
"""Works by well-known authors, all published before 1929: author, title, first line, year of publication, language.

Facts only, written down by hand: first lines in modern spelling where editions differ, long ones cut at a pause; the
year is that of the first print of a poem and of the first book edition (its first volume) of a novel. Authors whose last name is an English word that a comment may use otherwise (Gray, Frost,
Swift, Wells) or is written with an accent that models leave out (Brontë) are not in the list, because the metric
reads names in free text. Nor is any author in two cells of language, century and kind.
"""

from typing import NamedTuple


class Work(NamedTuple):
    """One work; `kind` is the noun for it."""

    author: str
    title: str
    first_line: str
    year: int
    kind: str
    language: str = "en"

    @property
    def century(self) -> int:
        """17 for the years 1601 to 1700."""
        return (self.year - 1) // 100 + 1

    @property
    def cell(self) -> tuple[str, int, str]:
        """Works of one cell could be taken for one another: language, century, and verse or prose."""
        return self.language, self.century, self.kind


WORKS = (
    Work("William Shakespeare", "Sonnet 18", "Shall I compare thee to a summer's day?", 1609, "poem"),
    Work("John Donne", "A Valediction: Forbidding Mourning", "As virtuous men pass mildly away,", 1633, "poem"),
    Work("John Donne", "The Sun Rising", "Busy old fool, unruly sun,", 1633, "poem"),
    Work("John Milton", "Paradise Lost", "Of Man's first disobedience, and the fruit", 1667, "poem"),
    Work("John Milton", "On His Blindness", "When I consider how my light is spent,", 1673, "poem"),
    Work("Andrew Marvell", "To His Coy Mistress", "Had we but world enough and time,", 1681, "poem"),
    Work("Robert Herrick", "To the Virgins, to Make Much of Time", "Gather ye rosebuds while ye may,", 1648, "poem"),
    Work("George Herbert", "Love (III)", "Love bade me welcome: yet my soul drew back", 1633, "poem"),
    Work("Ben Jonson", "Song: To Celia", "Drink to me only with thine eyes,", 1616, "poem"),
    Work("Richard Lovelace", "To Lucasta, Going to the Wars", "Tell me not, Sweet, I am unkind,", 1649, "poem"),
    Work("John Dryden", "Mac Flecknoe", "All human things are subject to decay,", 1682, "poem"),
    Work("William Blake", "The Tyger", "Tyger Tyger, burning bright,", 1794, "poem"),
    Work("Oliver Goldsmith", "The Deserted Village", "Sweet Auburn! loveliest village of the plain,", 1770, "poem"),
    Work("Samuel Johnson", "The Vanity of Human Wishes", "Let observation with extensive view,", 1749, "poem"),
    Work("William Cowper", "The Task", "I sing the Sofa. I who lately sang", 1785, "poem"),
    Work("Samuel Taylor Coleridge", "The Rime of the Ancient Mariner", "It is an ancient Mariner,", 1798, "poem"),
    Work("Daniel Defoe", "Robinson Crusoe", "I was born in the year 1632, in the city of York,", 1719, "novel"),
    Work("Laurence Sterne", "Tristram Shandy", "I wish either my father or my mother,", 1759, "novel"),
    Work("Henry Fielding", "Tom Jones", "An author ought to consider himself, not as a gentleman", 1749, "novel"),
    Work("Horace Walpole", "The Castle of Otranto", "Manfred, Prince of Otranto, had one son", 1764, "novel"),
    Work("William Wordsworth", "Daffodils", "I wandered lonely as a cloud", 1807, "poem"),
    Work("John Keats", "Ode to a Nightingale", "My heart aches, and a drowsy numbness pains", 1819, "poem"),
    Work("John Keats", "To Autumn", "Season of mists and mellow fruitfulness,", 1820, "poem"),
    Work("Percy Bysshe Shelley", "Ozymandias", "I met a traveller from an antique land", 1818, "poem"),
    Work("Percy Bysshe Shelley", "Ode to the West Wind", "O wild West Wind, thou breath of Autumn's being,", 1820, "poem"),
    Work("Lord Byron", "She Walks in Beauty", "She walks in beauty, like the night", 1815, "poem"),
    Work("Alfred Tennyson", "The Charge of the Light Brigade", "Half a league, half a league,", 1854, "poem"),
    Work("Alfred Tennyson", "Ulysses", "It little profits that an idle king,", 1842, "poem"),
    Work("Robert Browning", "My Last Duchess", "That's my last Duchess painted on the wall,", 1842, "poem"),
    Work("Christina Rossetti", "Remember", "Remember me when I am gone away,", 1862, "poem"),
    Work("Christina Rossetti", "Goblin Market", "Morning and evening", 1862, "poem"),
    Work("Matthew Arnold", "Dover Beach", "The sea is calm tonight.", 1867, "poem"),
    Work("Emily Dickinson", "The Chariot", "Because I could not stop for Death,", 1890, "poem"),
    Work("Walt Whitman", "O Captain! My Captain!", "O Captain! my Captain! our fearful trip is done,", 1865, "poem"),
    Work("Walt Whitman", "Song of Myself", "I celebrate myself,", 1855, "poem"),
    Work("Edgar Allan Poe", "The Raven", "Once upon a midnight dreary, while I pondered, weak and weary,", 1845, "poem"),
    Work("Edgar Allan Poe", "Annabel Lee", "It was many and many a year ago,", 1849, "poem"),
    Work("Henry Wadsworth Longfellow", "A Psalm of Life", "Tell me not, in mournful numbers,", 1838, "poem"),
    Work("William Ernest Henley", "Invictus", "Out of the night that covers me,", 1888, "poem"),
    Work("Jane Austen", "Pride and Prejudice", "It is a truth universally acknowledged,", 1813, "novel"),
    Work("Jane Austen", "Emma", "Emma Woodhouse, handsome, clever, and rich,", 1815, "novel"),
    Work("Charles Dickens", "A Tale of Two Cities", "It was the best of times, it was the worst of times,", 1859, "novel"),
    Work("Charles Dickens", "A Christmas Carol", "Marley was dead: to begin with.", 1843, "novel"),
    Work("Herman Melville", "Moby-Dick", "Call me Ishmael.", 1851, "novel"),
    Work("Nathaniel Hawthorne", "The Scarlet Letter", "A throng of bearded men, in sad-coloured garments", 1850, "novel"),
    Work("Mark Twain", "Adventures of Huckleberry Finn", "You don't know about me without you have read a book", 1884, "novel"),
    Work("Robert Louis Stevenson", "Treasure Island", "Squire Trelawney, Dr. Livesey, and the rest", 1883, "novel"),
    Work("Oscar Wilde", "The Picture of Dorian Gray", "The studio was filled with the rich odour of roses,", 1891, "novel"),
    Work("Bram Stoker", "Dracula", "3 May. Bistritz.", 1897, "novel"),
    Work("Lewis Carroll", "Alice's Adventures in Wonderland", "Alice was beginning to get very tired", 1865, "novel"),
    Work("George Eliot", "Middlemarch", "Miss Brooke had that kind of beauty", 1871, "novel"),
    Work("William Makepeace Thackeray", "Vanity Fair", "While the present century was in its teens,", 1848, "novel"),
    Work("Wilkie Collins", "The Woman in White", "This is the story of what a Woman's patience can endure,", 1860, "novel"),
    Work("Thomas Hardy", "Tess of the d'Urbervilles", "On an evening in the latter part of May", 1891, "novel"),
    Work("William Butler Yeats", "The Second Coming", "Turning and turning in the widening gyre", 1920, "poem"),
    Work("Rudyard Kipling", "If—", "If you can keep your head when all about you", 1910, "poem"),
    Work("Wilfred Owen", "Dulce et Decorum Est", "Bent double, like old beggars under sacks,", 1920, "poem"),
    Work("Rupert Brooke", "The Soldier", "If I should die, think only this of me:", 1915, "poem"),
    Work("John McCrae", "In Flanders Fields", "In Flanders fields the poppies blow", 1915, "poem"),
    Work("Siegfried Sassoon", "Everyone Sang", "Everyone suddenly burst out singing;", 1919, "poem"),
    Work("John Masefield", "Sea-Fever", "I must down to the seas again, to the lonely sea and the sky,", 1902, "poem"),
    Work("Joyce Kilmer", "Trees", "I think that I shall never see", 1913, "poem"),
    Work("T. S. Eliot", "The Love Song of J. Alfred Prufrock", "Let us go then, you and I,", 1915, "poem"),
    Work("Joseph Conrad", "The Secret Agent", "Mr Verloc, going out in the morning, left his shop", 1907, "novel"),
    Work("James Joyce", "Ulysses", "Stately, plump Buck Mulligan came from the stairhead,", 1922, "novel"),
    Work("Virginia Woolf", "Mrs Dalloway", "Mrs. Dalloway said she would buy the flowers herself.", 1925, "novel"),
    Work("F. Scott Fitzgerald", "The Great Gatsby", "In my younger and more vulnerable years", 1925, "novel"),
    Work("Ernest Hemingway", "The Sun Also Rises", "Robert Cohn was once middleweight boxing champion", 1926, "novel"),
    Work("E. M. Forster", "Howards End", "One may as well begin with Helen's letters to her sister.", 1910, "novel"),
    Work("Kenneth Grahame", "The Wind in the Willows", "The Mole had been working very hard all the morning,", 1908, "novel"),
    Work("D. H. Lawrence", "Women in Love", "Ursula and Gudrun Brangwen sat one morning", 1920, "novel"),
    Work("Edith Wharton", "The Age of Innocence", "On a January evening of the early seventies,", 1920, "novel"),
    Work("J. M. Barrie", "Peter and Wendy", "All children, except one, grow up.", 1911, "novel"),
    Work("Charles Baudelaire", "L'Albatros", "Souvent, pour s'amuser, les hommes d'équipage", 1859, "poem", "fr"),
    Work("Paul Verlaine", "Chanson d'automne", "Les sanglots longs", 1866, "poem", "fr"),
    Work("Arthur Rimbaud", "Le Bateau ivre", "Comme je descendais des Fleuves impassibles,", 1883, "poem", "fr"),
    Work("Victor Hugo", "Demain, dès l'aube", "Demain, dès l'aube, à l'heure où blanchit la campagne,", 1856, "poem", "fr"),
    Work("Alphonse de Lamartine", "Le Lac", "Ainsi, toujours poussés vers de nouveaux rivages,", 1820, "poem", "fr"),
    Work("Alfred de Musset", "La Nuit de mai", "Poète, prends ton luth et me donne un baiser;", 1835, "poem", "fr"),
    Work("Gustave Flaubert", "Madame Bovary", "Nous étions à l'étude, quand le Proviseur entra,", 1857, "novel", "fr"),
    Work("Stendhal", "Le Rouge et le Noir", "La petite ville de Verrières", 1830, "novel", "fr"),
    Work("Émile Zola", "Germinal", "Dans la plaine rase, sous la nuit sans étoiles,", 1885, "novel", "fr"),
    Work("Alexandre Dumas", "Les Trois Mousquetaires", "Le premier lundi du mois d'avril 1625,", 1844, "novel", "fr"),
    Work("Jules Verne", "Vingt mille lieues sous les mers", "L'année 1866 fut marquée par un événement bizarre,", 1870, "novel", "fr"),
    Work("Johann Wolfgang von Goethe", "Erlkönig", "Wer reitet so spät durch Nacht und Wind?", 1782, "poem", "de"),
    Work("Friedrich Schiller", "An die Freude", "Freude, schöner Götterfunken,", 1786, "poem", "de"),
    Work("Matthias Claudius", "Abendlied", "Der Mond ist aufgegangen,", 1779, "poem", "de"),
    Work("Heinrich Heine", "Die Lore-Ley", "Ich weiß nicht, was soll es bedeuten,", 1824, "poem", "de"),
    Work("Joseph von Eichendorff", "Mondnacht", "Es war, als hätt' der Himmel", 1837, "poem", "de"),
    Work("Ludwig Uhland", "Der gute Kamerad", "Ich hatt' einen Kameraden,", 1812, "poem", "de"),
)  # fmt: skip
