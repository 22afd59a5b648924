# SPDX-License-Identifier: Apache-2.0
"""Short arguments, each in two forms that differ in one step: a sound one, and one with a planted fallacy.

Example (`small_sample`): "In a random sample of 900 members ..." or "My two neighbours are members, and both ...", before
the same conclusion: "So most members would use the library on Sundays."

All of them were written for this project. The facts are made up; what is right or wrong is the step, not the fact.
"""

from typing import NamedTuple


class Argument(NamedTuple):
    """An argument with a sound and a flawed form.

    Attributes:
        family: the fallacy that is planted; two arguments share each.
        name: unique within the family.
        lead: what both forms begin with.
        sound: how the sound form goes on: a step, and what follows from it.
        flawed: how the flawed form goes on: the step with the fallacy, and what is made of it.
        flaw: words that begin what a comment says that names the fallacy, separated by `|`; none occurs in either form.
    """

    family: str
    name: str
    lead: str
    sound: str
    flawed: str
    flaw: str


_SAMPLE = "small sample|sample size|sample is|too few|few people|hasty|generali|anecdot|representative"
_BIAS = "bias|representative|self-select|skewed|selection|not a random|not random"
_AFTER = "post hoc|causation|causal|coinciden|correlation|does not prove|doesn't prove|other factors|other reasons"
_CAUSE = "causation|causal|correlation|confound|common cause|third factor|other factors|reverse|coinciden"
_CONSEQUENT = (
    "affirming|converse|consequent|other reasons|other causes|other explanations|does not follow|doesn't follow"
)
_ANTECEDENT = "denying|inverse|antecedent|other ways|other reasons|does not follow|doesn't follow|non sequitur"
_DILEMMA = (
    "dilemma|dichotomy|other options|other alternatives|more options|third option|black-and-white|black and white"
)
_CIRCLE = "circular|begs the question|begging the question|assumes what|tautolog|restates|repeats the claim"
_PERSON = "ad hominem|personal attack|attacks the person|attack on|irrelevant|attacks the"
_CROWD = "popular|bandwagon|ad populum|majority|does not make it|doesn't make it"
_AUTHORITY = "appeal to authority|not an expert|isn't an expert|no expertise|expertise|not qualified|irrelevant authority|authority"
_PARTS = "fallacy of composition|each part|its parts|the parts|part does not|individually|together they|work together"
_LUCK = "gambler|independent|no memory|not affected by|each spin|each draw|same probability|same chance"
_SUNK = "sunk cost|sunk-cost|already been spent|past spending|past investment|irrelevant|cannot be recovered|can't be recovered"
_SURVIVORS = "survivor|selection|failed|failures|the ones that|those that did not|those that didn't|did not survive"
_SLOPE = "slippery|slope|chain of|exaggerat|leap|no evidence|speculat"

ARGUMENTS = (
    Argument(
        "small_sample",
        "library",
        "Our town library is closed on Sundays.",
        "In a random sample of 900 of its members, 71 percent said that they would come on a Sunday. So most members "
        "would use the library on Sundays.",
        "My next-door neighbours are both members, and each of them said that they would come on a Sunday. So most "
        "members would use the library on Sundays.",
        _SAMPLE,
    ),
    Argument(
        "small_sample",
        "bulbs",
        "We switched to a new brand of light bulb this year.",
        "Of the 4,000 bulbs that we fitted across our buildings, 96 percent still work after twelve months. So bulbs "
        "of this brand nearly always last for a year.",
        "The pair that I fitted in my own office still work after twelve months. So bulbs of this brand nearly always"
        " last for a year.",
        _SAMPLE,
    ),
    Argument(
        "biased_sample",
        "parking",
        "The council wants to know whether residents would pay for more parking.",
        "It wrote to 1,200 addresses drawn by lot from all streets, and 64 percent of them said yes. So a clear share"
        " of all residents would pay for more parking.",
        "It asked everybody who was standing in line for a parking permit, and 64 percent of them said yes. So a "
        "clear share of all residents would pay for more parking.",
        _BIAS,
    ),
    Argument(
        "biased_sample",
        "canteen",
        "The school asked its pupils how they like the food in the canteen.",
        "Every pupil filled in a form during the first lesson, and 80 percent were content. So four in five of all "
        "pupils at the school are content with the food.",
        "Pupils who were eating in the canteen filled in a form there, and 80 percent were content. So four in five "
        "of all pupils at the school are content with the food.",
        _BIAS,
    ),
    Argument(
        "post_hoc",
        "street_lights",
        "New street lights were put up in half of the districts in May.",
        "These districts had been drawn by lot, and in the following year burglaries fell by a third there and "
        "nowhere else. So the lights made burglaries rarer.",
        "In the following year burglaries fell by a third there, and that was after the lights had been put up. So "
        "the lights made burglaries rarer.",
        _AFTER,
    ),
    Argument(
        "post_hoc",
        "tea",
        "Last week I had a cold, and I drank ginger tea.",
        "My cold went away after seven days, but colds do that with or without tea. So I cannot say whether the tea "
        "helped.",
        "My cold went away after seven days, just when I had begun to drink the tea. So the tea is what cured me.",
        _AFTER,
    ),
    Argument(
        "common_cause",
        "ice_cream",
        "In our seaside town, more ice cream is sold on days with more bathing accidents.",
        "Both go up on hot days, when the beach is full, and on days of equal heat there is no link between them. So "
        "banning ice cream would do nothing for safety.",
        "The link between them is strong, and it has shown up in every one of the past ten summers. So banning ice "
        "cream would make bathing safer.",
        _CAUSE,
    ),
    Argument(
        "common_cause",
        "breakfast",
        "Pupils at our school who eat breakfast get better marks.",
        "When breakfast was given to half of the classes, drawn by lot, marks rose there and nowhere else. So eating "
        "breakfast improves the marks of these pupils.",
        "The pupils were asked about their habits once, and the marks of both groups lie far apart. So eating "
        "breakfast improves the marks of these pupils.",
        _CAUSE,
    ),
    Argument(
        "affirming_consequent",
        "battery",
        "If the battery of the alarm is empty, the alarm stays silent.",
        "I tested the battery of our alarm today, and it is empty. So our alarm will stay silent.",
        "I tried out our alarm today, and it stayed silent. So the battery of our alarm is empty.",
        _CONSEQUENT,
    ),
    Argument(
        "affirming_consequent",
        "rain",
        "Whenever it rains during the night, the lawn is wet in the morning.",
        "The weather station recorded two hours of rain last night. So the lawn was wet this morning.",
        "I went out this morning, and the lawn was wet. So it rained last night.",
        _CONSEQUENT,
    ),
    Argument(
        "denying_antecedent",
        "train",
        "If the train is late, Omar misses the meeting.",
        "Omar was at the meeting from beginning to end today. So the train was not late today.",
        "The train arrived right on time today. So Omar did not miss the meeting today.",
        _ANTECEDENT,
    ),
    Argument(
        "denying_antecedent",
        "discount",
        "Everybody who has a member's card gets a discount at the museum.",
        "Ana paid the full price at the museum and got no discount. So Ana has no member's card.",
        "Ana has never had a member's card of the museum. So Ana gets no discount at the museum.",
        _ANTECEDENT,
    ),
    Argument(
        "false_dilemma",
        "bridge",
        "The old bridge is no longer safe for lorries.",
        "The engineers found three remedies, and repairing it is both the cheapest and the fastest of them. So we "
        "should repair the bridge.",
        "Either we tear it down this year, or we wait until it falls on somebody, which nobody wants. So we should "
        "tear the bridge down this year.",
        _DILEMMA,
    ),
    Argument(
        "false_dilemma",
        "homework",
        "Many pupils say that they get too much homework.",
        "Teachers compared less, shorter and optional homework, and with shorter tasks pupils learned just as much. "
        "So the school should set shorter tasks.",
        "We can keep all of it as it is, or we can give up on teaching them anything, which would be absurd. So the "
        "school should keep all homework as it is.",
        _DILEMMA,
    ),
    Argument(
        "circular",
        "diary",
        "Historians argue about whether the captain's diary is reliable.",
        "Its dates and its weather agree with the logs of two other ships that it could not have copied from. So what"
        " the diary says can be relied on.",
        "The diary itself says on its first page that everything in it is reported truthfully. So what the diary says"
        " can be relied on.",
        _CIRCLE,
    ),
    Argument(
        "circular",
        "law",
        "Some people want to know why fireworks are banned in our park.",
        "Last summer they set its dry grass alight twice, and a crowded playground lies beside it. So there is a good"
        " reason for the ban.",
        "Fireworks are not allowed there, and whoever lights one does something that is not permitted. So there is a "
        "good reason for the ban.",
        _CIRCLE,
    ),
    Argument(
        "ad_hominem",
        "budget",
        "Ms Lind says that the club spends more than it takes in.",
        "The club's accounts list 31,000 in spending and 26,500 in income for last year. So her claim is right.",
        "She has been rude to nearly everybody in the club, and she was late with her own fees. So her claim is wrong.",
        _PERSON,
    ),
    Argument(
        "ad_hominem",
        "wells",
        "A chemist reported that the wells on the hill hold too much nitrate.",
        "Two other laboratories tested the same samples and found less than half of the limit. So his report is wrong.",
        "He left his last position after a quarrel, and his neighbours find him hard to live with. So his report is "
        "wrong.",
        _PERSON,
    ),
    Argument(
        "popularity",
        "vitamin",
        "A friend asked me whether vitamin C keeps people from catching colds.",
        "In trials with thousands of people, those who took it caught as many colds as those who took a dummy pill. "
        "So vitamin C does not keep people from catching colds.",
        "Nearly everybody at my office takes it in winter, and surveys show that seven in ten adults trust it. So "
        "vitamin C keeps people from catching colds.",
        _CROWD,
    ),
    Argument(
        "popularity",
        "phone",
        "I am looking for the phone with the best camera.",
        "In a blind test, 200 photographers put the pictures of the Lumo ahead of those of all the others. So the "
        "Lumo has the best camera.",
        "The Lumo has been the best-selling phone for a year now, and all my friends have bought one. So the Lumo has"
        " the best camera.",
        _CROWD,
    ),
    Argument(
        "authority",
        "heart",
        "The question is whether this pill lowers the risk of a heart attack.",
        "In a trial with 9,000 patients, a third fewer of those who took it than of those who took a dummy pill had "
        "one. So the pill lowers the risk of a heart attack.",
        "A famous tennis champion, who has won every big tournament, says that it does. So the pill lowers the risk "
        "of a heart attack.",
        _AUTHORITY,
    ),
    Argument(
        "authority",
        "dam",
        "People in the valley ask whether the dam would stand an earthquake.",
        "Engineers who build dams shook a model of it with the strongest quake on record, and it held. So the dam "
        "would stand such an earthquake.",
        "Our most popular singer, who grew up in the valley, is certain that it would. So the dam would stand such an"
        " earthquake.",
        _AUTHORITY,
    ),
    Argument(
        "composition",
        "team",
        "The national team has been chosen for the summer.",
        "Together, these eleven have beaten every one of the last nine opponents they met. So this is a team that "
        "plays very well together.",
        "Each of the eleven is the best player in the world in his own position. So this is a team that plays very "
        "well together.",
        _PARTS,
    ),
    Argument(
        "composition",
        "truck",
        "We want to carry the boxes up in the lift, which takes 600 kilograms.",
        "All the boxes together weigh 540 kilograms on the scales. So the lift can take all the boxes at once.",
        "Not one of the boxes weighs more than 30 kilograms on the scales. So the lift can take all the boxes at once.",
        _PARTS,
    ),
    Argument(
        "gambler",
        "roulette",
        "At a fair roulette table, red came up eight times in a row.",
        "The wheel keeps no record of what came before, so that red is as likely as ever. So black is no better bet "
        "than red in the next round.",
        "Black has been overdue for quite a while now, so that it is far more likely than red. So black is the better"
        " bet in the next round.",
        _LUCK,
    ),
    Argument(
        "gambler",
        "coin",
        "Priya tossed a fair coin six times and got heads every time.",
        "What the coin did so far does nothing to the next toss. So the chance of tails in the next toss is one half.",
        "The heads of a fair coin have to even out, and so tails is due. So the chance of tails in the next toss is "
        "well above one half.",
        _LUCK,
    ),
    Argument(
        "sunk_cost",
        "software",
        "We have paid 200,000 for a booking system that is still unfinished.",
        "Finishing it would cost 90,000 more, while a better one that is ready to use costs 30,000. So we should buy "
        "the other system.",
        "If we bought another one now, all the money that we have put into it would be wasted. So we should finish "
        "our own system.",
        _SUNK,
    ),
    Argument(
        "sunk_cost",
        "concert",
        "I have a ticket for tonight's concert that I cannot give back, and I am ill.",
        "The money is gone whether I go or not, and in bed I will feel better than in the hall. So I should stay in "
        "bed.",
        "I spent eighty on the ticket, and staying in bed would mean throwing that away. So I should go to the "
        "concert.",
        _SUNK,
    ),
    Argument(
        "survivorship",
        "founders",
        "People ask whether leaving school early helps in business.",
        "Of all firms founded in our city in one year, those of early leavers closed just as often as the rest. So "
        "leaving school early neither helps nor harms a firm there.",
        "Of the ten richest founders in our city, six left school early, and each has made a fortune. So leaving "
        "school early helps in business.",
        _SURVIVORS,
    ),
    Argument(
        "survivorship",
        "houses",
        "The oldest houses in our street have stood for 300 years.",
        "Records of all houses built then show that nine in ten were still sound after a century. So houses were "
        "built to last in those days.",
        "They are still as solid as on the first day, and nothing that we build today is that old. So houses were "
        "built to last in those days.",
        _SURVIVORS,
    ),
    Argument(
        "slippery_slope",
        "dogs",
        "The café on the corner wants to let dogs in on Mondays.",
        "A café two streets away has done so for six years, and it has had neither damage nor complaints. So the café"
        " on the corner can let dogs in on Mondays.",
        "If dogs come on Mondays, they will soon come every day, then cats, and at last we shall eat among cattle. So"
        " the café on the corner must not let dogs in on Mondays.",
        _SLOPE,
    ),
    Argument(
        "slippery_slope",
        "deadline",
        "A pupil asks to hand in one essay a day late because of a funeral.",
        "The school's rules provide for exactly that, and over the years nobody has abused them. So the teacher "
        "should say yes.",
        "Allow that once, and soon no pupil will hand in anything on time, and every exam will lose its meaning. So "
        "the teacher should say no.",
        _SLOPE,
    ),
)
