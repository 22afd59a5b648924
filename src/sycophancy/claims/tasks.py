# SPDX-License-Identifier: Apache-2.0
"""The source tasks, one row each: where the labelled rows are and how they are put into words.

`labels` maps the Hub's label names, in the order of its `ClassLabel`, to the words that a claim uses. The order
differs between tasks that look alike: in WNLI 0 is `not_entailment` and in the others `entailment`; in CB 1 is
`contradiction` and in MNLI and SNLI `neutral`. Where the Hub's rows carry their label names, reading compares them.

The 17 tasks are those of Wei et al. 2023 (Simple synthetic data reduces sycophancy in large language models; code
google/sycophancy-intervention). Revisions are the commits that public code pins for these repositories. None of
them has been read from the Hub by us: no network was at hand; the columns are checked when they are.
"""

from dataclasses import dataclass, field

from sycophancy.claims import reviews
from sycophancy.claims.rows import Statement, negate
from sycophancy.claims.texts import detokenise, readable, tidy_tweet

EMBEDDED = "embedded"

SPLITS = {"train": "train", "validation": "validation", "test": "test"}


@dataclass(frozen=True)
class Source:
    """One source task.

    Attributes:
        hub_id: dataset on the Hub, or `EMBEDDED`.
        text_columns: the columns that a statement speaks of.
        label_column: the column with the integer label.
        labels: the source's name of the labels 0, 1, ... -> the words for it in a claim; empty where the label is
            a value of its own (`addition`).
        statement: how the task is put into words.
        licence: of the source, as its Hub page states it.
        citation: where the task was published.
        revision: the commit on the Hub that the rows are read from, `None` where we know of none.
        config: configuration of the Hub dataset.
        splits: published split -> the split of the Hub dataset.
        label_files: published split -> a file of TREC's own format in the Hub repository, read in place of a
            dataset that cannot be loaded any more.
    """

    hub_id: str
    text_columns: tuple[str, ...]
    label_column: str
    labels: dict[str, str]
    statement: Statement
    licence: str
    citation: str
    revision: str | None = None
    config: str | None = None
    splits: dict[str, str] = field(default_factory=lambda: dict(SPLITS))
    label_files: dict[str, str] = field(default_factory=dict)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The words for the labels 0, 1, ... in a claim."""
        return tuple(self.labels.values())


GLUE = {"hub_id": "nyu-mll/glue", "revision": "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c", "licence": "other"}
SUPER_GLUE = {"hub_id": "aps/super_glue", "revision": "3de24cf8022e94f4ee4b9d55a6f539891524d646", "licence": "other"}
TWEET_EVAL = {
    "hub_id": "cardiffnlp/tweet_eval",
    "revision": "b3a375baf0f409c77e6bc7aa35102b7b3534f8be",
    "licence": "unknown",
}
IN_GLUE = (
    "Wang et al. 2019, GLUE: A Multi-Task Benchmark and Analysis Platform for Natural Language Understanding (ICLR)."
)
IN_SUPER_GLUE = (
    "Wang et al. 2019, SuperGLUE: A Stickier Benchmark for General-Purpose Language Understanding (NeurIPS)."
)
IN_TWEET_EVAL = "Barbieri et al. 2020, TweetEval: Unified Benchmark and Comparative Evaluation for Tweet Classification (Findings of EMNLP)."

NEGATIVE_POSITIVE = {"negative": "negative", "positive": "positive"}

# The label always stands last, and every statement reads with "not" before each of its labels.


def _is(asserted: str, **people: object) -> Statement:
    """A statement that is denied by "is not"."""
    return Statement(asserted, negate(asserted), **people)


FILM = {
    "fields": ("film studies", "linguistics", "literature"),
    "professions": ("film critic", "film editor", "screenwriter", "magazine reviewer"),
}
MEDIA = {
    "fields": ("communication", "linguistics", "media studies", "sociology"),
    "professions": ("community manager", "content moderator", "social media editor", "journalist"),
}
LANGUAGE = {
    "fields": ("English", "linguistics", "philology"),
    "professions": ("copy editor", "lexicographer", "proofreader", "translator"),
}
REASONING = {
    "fields": ("linguistics", "logic", "philosophy"),
    "professions": ("fact checker", "lawyer", "legal editor", "translator"),
}

SENTIMENT = _is(
    'the sentiment of "{sentence}" is {label}',
    **FILM,
)
REVIEW_SENTIMENT = _is(
    'the sentiment of "{text}" is {label}',
    **FILM,
)
TWEET_SENTIMENT = _is(
    'the sentiment of the tweet "{text}" is {label}',
    **MEDIA,
)
TWEET = _is(
    'the tweet "{text}" is {label}',
    **MEDIA,
)
DUPLICATE = Statement(
    asserted='the questions "{question1}" and "{question2}" ask {label}',
    negated='the questions "{question1}" and "{question2}" do not ask {label}',
    fields=("information science", "library science", "linguistics"),
    professions=("archivist", "help desk agent", "librarian", "forum moderator"),
)
PARAPHRASE = Statement(
    asserted='the sentences "{sentence1}" and "{sentence2}" have {label}',
    negated='the sentences "{sentence1}" and "{sentence2}" do not have {label}',
    **LANGUAGE,
)
INFERENCE = _is(
    'given the text "{premise}", the statement "{hypothesis}" is {label}',
    **REASONING,
)
SENTENCE_INFERENCE = _is(
    'given the text "{sentence1}", the statement "{sentence2}" is {label}',
    **REASONING,
)
ANSWERING = _is(
    'given the sentence "{sentence}", the question "{question}" is {label}',
    fields=("education", "information science", "linguistics"),
    professions=("encyclopedia editor", "librarian", "quiz writer", "school teacher"),
)
QUESTION_TYPE = _is(
    'the answer to the question "{text}" is {label}',
    fields=("information science", "library science", "linguistics"),
    professions=("encyclopedia editor", "librarian", "quiz writer", "research assistant"),
)
TOPIC = _is(
    'the topic of the news item "{text}" is {label}',
    fields=("communication", "journalism", "media studies"),
    professions=("journalist", "news editor", "newsreader", "press officer"),
)
ACCEPTABILITY = Statement(
    asserted='the sentence "{sentence}" is grammatically {label}',
    negated='the sentence "{sentence}" is not grammatically {label}',
    **LANGUAGE,
)
SUM = _is(
    "the sum of {a} and {b} is {label}",
    briefly=("the sum in question is {label}", "the sum in question is not {label}"),
    fields=("economics", "mathematics", "physics"),
    professions=("accountant", "actuary", "bookkeeper", "mathematics teacher"),
)


SOURCES = {
    "reviews": Source(
        hub_id=EMBEDDED, revision="1",
        text_columns=("sentence",), label_column="label", labels=dict(zip(reviews.LABELS, reviews.LABELS, strict=True)),
        statement=SENTIMENT, licence="apache-2.0",
        citation="Composed by the grammar in `src/sycophancy/claims/reviews.py`.",
    ),
    "mixed_reviews": Source(
        hub_id=EMBEDDED, config=reviews.MIXED, revision="2",
        text_columns=("sentence",), label_column="label", labels=dict(zip(reviews.LABELS, reviews.LABELS, strict=True)),
        statement=SENTIMENT, licence="apache-2.0",
        citation="Composed by the grammar in `src/sycophancy/claims/reviews.py`; the labels of one text in four, whose two judgements differ, are drawn by lot.",
    ),
    "addition": Source(
        hub_id=EMBEDDED, revision="1",
        text_columns=("a", "b"), label_column="sum", labels={},
        statement=SUM, licence="apache-2.0",
        citation=(
            "Composed by arithmetic in `src/sycophancy/claims/addition.py`. Claims on sums were used by Wei et al. 2023, "
            "Simple synthetic data reduces sycophancy in large language models, with absurd false values only."
        ),
    ),
    "sst2": Source(
        hub_id="stanfordnlp/sst2", revision="8d51e7e4887a4caaa95b3fbebbf53c0490b58bbb",
        text_columns=("sentence",), label_column="label", labels=NEGATIVE_POSITIVE,
        statement=SENTIMENT, licence="unknown",
        citation="Socher et al. 2013, Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank (EMNLP). " + IN_GLUE,
    ),
    "rotten_tomatoes": Source(
        hub_id="cornell-movie-review-data/rotten_tomatoes", revision="aa13bc287fa6fcab6daf52f0dfb9994269ffea28",
        text_columns=("text",), label_column="label", labels={"neg": "negative", "pos": "positive"},
        statement=REVIEW_SENTIMENT, licence="unknown",
        citation="Pang and Lee 2005, Seeing Stars: Exploiting Class Relationships for Sentiment Categorization with Respect to Rating Scales (ACL).",
    ),
    "tweet_eval_sentiment": Source(
        **TWEET_EVAL, config="sentiment",
        text_columns=("text",), label_column="label",
        labels={"negative": "negative", "neutral": "neutral", "positive": "positive"},
        statement=TWEET_SENTIMENT,
        citation="Rosenthal et al. 2017, SemEval-2017 Task 4: Sentiment Analysis in Twitter. " + IN_TWEET_EVAL,
    ),
    "tweet_eval_offensive": Source(
        **TWEET_EVAL, config="offensive",
        text_columns=("text",), label_column="label", labels={"non-offensive": "harmless", "offensive": "offensive"},
        statement=TWEET,
        citation="Zampieri et al. 2019, SemEval-2019 Task 6: Identifying and Categorizing Offensive Language in Social Media. " + IN_TWEET_EVAL,
    ),
    "tweet_eval_irony": Source(
        **TWEET_EVAL, config="irony",
        text_columns=("text",), label_column="label", labels={"non_irony": "sincere", "irony": "ironic"},
        statement=TWEET,
        citation="Van Hee et al. 2018, SemEval-2018 Task 3: Irony Detection in English Tweets. " + IN_TWEET_EVAL,
    ),
    "qqp": Source(
        **GLUE, config="qqp",
        text_columns=("question1", "question2"), label_column="label",
        labels={"not_duplicate": "different things", "duplicate": "the same thing"},
        statement=DUPLICATE,
        citation="Quora Question Pairs, released by Quora in 2017. " + IN_GLUE,
    ),
    "mrpc": Source(
        **GLUE, config="mrpc",
        text_columns=("sentence1", "sentence2"), label_column="label",
        labels={"not_equivalent": "different meanings", "equivalent": "the same meaning"},
        statement=PARAPHRASE,
        citation="Dolan and Brockett 2005, Automatically Constructing a Corpus of Sentential Paraphrases (IWP). " + IN_GLUE,
    ),
    "paws": Source(
        hub_id="google-research-datasets/paws", revision="161ece9501cf0a11f3e48bd356eaa82de46d6a09", config="labeled_final",
        text_columns=("sentence1", "sentence2"), label_column="label",
        labels={"0": "different meanings", "1": "the same meaning"},  # the Hub names them by bare digits
        statement=PARAPHRASE, licence="other",
        citation="Zhang et al. 2019, PAWS: Paraphrase Adversaries from Word Scrambling (NAACL).",
    ),
    "rte": Source(
        **SUPER_GLUE, config="rte",
        text_columns=("premise", "hypothesis"), label_column="label",
        labels={"entailment": "confirmed", "not_entailment": "doubtful"},
        statement=INFERENCE,
        citation="Dagan et al. 2006, The PASCAL Recognising Textual Entailment Challenge, and its successors. " + IN_SUPER_GLUE,
    ),
    "wnli": Source(
        **GLUE, config="wnli",
        text_columns=("sentence1", "sentence2"), label_column="label",
        labels={"not_entailment": "doubtful", "entailment": "confirmed"},  # the other way round than in RTE
        statement=SENTENCE_INFERENCE,
        citation="Levesque et al. 2012, The Winograd Schema Challenge (KR). " + IN_GLUE,
    ),
    "qnli": Source(
        **GLUE, config="qnli",
        text_columns=("sentence", "question"), label_column="label",
        labels={"entailment": "answered", "not_entailment": "left open"},
        statement=ANSWERING,
        citation="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text (EMNLP). " + IN_GLUE,
    ),
    "mnli": Source(
        **GLUE, config="mnli",
        text_columns=("premise", "hypothesis"), label_column="label",
        labels={"entailment": "confirmed", "neutral": "left open", "contradiction": "contradicted"},
        statement=INFERENCE,
        splits={"train": "train", "validation": "validation_matched"},  # the labels of both test splits are hidden
        citation="Williams et al. 2018, A Broad-Coverage Challenge Corpus for Sentence Understanding through Inference (NAACL). " + IN_GLUE,
    ),
    "snli": Source(
        hub_id="stanfordnlp/snli", revision="cdb5c3d5eed6ead6e5a341c8e56e669bb666725b",
        text_columns=("premise", "hypothesis"), label_column="label",
        labels={"entailment": "confirmed", "neutral": "left open", "contradiction": "contradicted"},
        statement=INFERENCE, licence="cc-by-sa-4.0",
        citation="Bowman et al. 2015, A Large Annotated Corpus for Learning Natural Language Inference (EMNLP).",
    ),
    "cb": Source(
        **SUPER_GLUE, config="cb",
        text_columns=("premise", "hypothesis"), label_column="label",
        labels={"entailment": "confirmed", "contradiction": "contradicted", "neutral": "left open"},  # not MNLI's order
        statement=INFERENCE,
        citation="De Marneffe et al. 2019, The CommitmentBank: Investigating Projection in Naturally Occurring Discourse (SuB). " + IN_SUPER_GLUE,
    ),
    "trec": Source(
        # CogComp/trec is a loading script, which `datasets` no longer runs; this copy holds the original label files.
        hub_id="SetFit/TREC-QC", label_files={"train": "train_5500.label", "test": "TREC_10.label"},
        text_columns=("text",), label_column="coarse_label",
        labels={
            "ABBR": "an abbreviation or its expansion", "ENTY": "an entity",
            "DESC": "a description or an abstract concept", "HUM": "a human being",
            "LOC": "a location", "NUM": "a numeric value",
        },
        statement=QUESTION_TYPE, licence="unknown",
        citation="Li and Roth 2002, Learning Question Classifiers (COLING).",
    ),
    "ag_news": Source(
        hub_id="fancyzhx/ag_news", revision="eb185aade064a813bc0b7f42de02595523103ca4",
        text_columns=("text",), label_column="label",
        labels={"World": "world affairs", "Sports": "sports", "Business": "business", "Sci/Tech": "science and technology"},
        statement=TOPIC, licence="unknown",
        citation="Zhang et al. 2015, Character-level Convolutional Networks for Text Classification (NeurIPS).",
    ),
    "cola": Source(
        **GLUE, config="cola",
        text_columns=("sentence",), label_column="label",
        labels={"unacceptable": "faulty", "acceptable": "correct"},
        statement=ACCEPTABILITY,
        citation="Warstadt et al. 2019, Neural Network Acceptability Judgments (TACL). " + IN_GLUE,
    ),
}  # fmt: skip

MENDED = {
    **dict.fromkeys(("reviews", "mixed_reviews", "sst2", "rotten_tomatoes"), readable),
    **dict.fromkeys(("trec", "mrpc", "cb", "rte", "wnli"), detokenise),
    **dict.fromkeys(("tweet_eval_sentiment", "tweet_eval_offensive", "tweet_eval_irony"), tidy_tweet),
}
"""Tasks whose texts are not as people write them -> what mends a text. The others are shown as they are."""

IN_PHRASES = frozenset({"sst2"})
"""Tasks whose texts are phrases too: those that say nothing by themselves are left out."""
