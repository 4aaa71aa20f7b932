"""The stock of words of the ``rules`` generator: openings, closings, short forms, synonyms. English only.

Nothing here may say what a writer wants: it has to be true of any label of any task.
"""

from __future__ import annotations

# fmt: off

OPENINGS = (
    "hi", "hello", "hey", "hi there,", "good morning,", "good afternoon", "hi team,", "dear all,",
    "quick one:", "ok so", "so", "um", "sorry to bother you,", "question:", "one thing:", "me again.",
    "i already asked once.", "help please.", "to whom it may concern,", "not sure who to ask but",
    "maybe a silly question,", "hope you're well.", "first time writing here.", "good evening",
    "anyone there?",
)

CLOSINGS = (
    "thanks", "thank you", "thanks in advance", "cheers", "any idea?", "can someone look at this?",
    "please advise", "please help", "asap please", "what now?", "waiting for your answer", "let me know",
    "is that possible?", "appreciate it", "regards", "no rush", "it's rather urgent", "hope you can help",
    "i'm a bit lost here", "second time i ask", "would be great, thanks",
    "sorry if i asked in the wrong place", "i looked for it and found nothing", "many thanks",
)

ANGRY_TAILS = (
    "this is a joke", "seriously?", "unbelievable", "sort it out", "not acceptable", "i'm done with this",
    "last time i ask nicely", "do you even read these", "absolutely ridiculous", "i expect an answer TODAY",
    "wow. just wow", "what kind of service is that",
)

POLITE_TAILS = (
    "thank you very much", "thanks a lot for looking into it", "sorry for the trouble", "thanks in advance",
    "i'd be grateful for a hint", "have a nice day", "many thanks and kind regards", "appreciate your help",
    "thanks for your patience with me",
)

POLITE_OPENINGS = (
    "hello,", "good morning,", "hi there,", "hello and sorry to bother you,", "dear team,",
    "good afternoon,",
)

MAIL_OPENINGS = (
    "Hi,", "Hello,", "Dear team,", "Good morning,", "Hello everyone,", "To whom it may concern,", "hi",
)

MAIL_CLOSINGS = (
    "Regards", "Best", "Thanks", "Kind regards", "BR", "Best wishes", "thx",
)

FILLERS = (
    "um", "uh", "well", "so", "like", "you know",
)

FORM_TOPICS = (
    "Question", "Other", "Request", "Problem", "My message", "General",
)

# Take back a detail, never the request.
CONTRADICTIONS = (
    "or maybe that was the week before, not sure", "at least i think so",
    "could have been the other day, i'd have to look",
    "my colleague says it was different but i don't think so", "or was it yesterday, i mix it up",
    "well, something like that", "i said today but it may have been yesterday evening",
    "not 100% sure about the date actually",
)

DAYS = (
    "Mon", "Tue", "Wed", "Thu", "Fri",
)

MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Sep", "Oct", "Nov",
)

DESKS = (
    "Customer Care", "Support", "Help Desk", "Service Team", "Support Team",
)

RECEIPTS = (
    "Thanks for getting in touch. We usually answer within two working days.",
    "We have received your message. Please keep this reference in the subject.",
    "Your request has been passed on to a colleague.",
    "This mailbox is read from Monday to Friday. Please do not open a second request.",
    "How would you rate the answer that you got? It takes one minute.",
    "We could not match your request to an account and have closed it for now.",
)

SIGNATURES = (
    "Sent from my iPhone", "Get Outlook for Android", "Sent from my phone, please excuse typos",
    "--\nOffice Manager", "--\nAccounts Payable",
    "--\nThis e-mail may be confidential. If you are not the addressee, delete it.",
)

MAIL_SUBJECTS = (
    "your message", "Request received", "Case closed", "Your enquiry",
)

# The keys beside each key, on its row and the next, of a QWERTY keyboard.
NEIGHBOURS = {
    "a": "qsz", "b": "vgn", "c": "xdv", "d": "sfec", "e": "wrd", "f": "dgrv", "g": "fhtb", "h": "gjyn",
    "i": "uok", "j": "hkun", "k": "jlim", "l": "kop", "m": "nk", "n": "bmh", "o": "ipl", "p": "ol",
    "q": "wa", "r": "etf", "s": "adwx", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zsc",
    "y": "tuh", "z": "xas",
}

ABBREVIATIONS = {
    "please": ("pls", "plz"), "thanks": ("thx", "tx"), "thank you": ("ty", "thx"), "because": ("bc", "cuz"),
    "though": ("tho",), "through": ("thru",), "without": ("w/o",), "with": ("w/",), "and": ("&",),
    "your": ("ur",), "you": ("u",), "are": ("r",), "account": ("acct", "acc"),
    "subscription": ("sub", "subscr"), "number": ("nr", "no."), "information": ("info",),
    "message": ("msg",), "address": ("addr",), "tomorrow": ("tmrw",), "weeks": ("wks",), "about": ("abt",),
    "before": ("b4",), "okay": ("ok",), "received": ("rcvd",), "going to": ("gonna",),
    "want to": ("wanna",), "as soon as possible": ("asap",), "don't know": ("dunno",),
    "transaction": ("txn",), "payment": ("pymt", "payment"), "something": ("smth",), "somebody": ("sb",),
    "people": ("ppl",), "department": ("dept",), "months": ("mths",), "minutes": ("min",),
    "quantity": ("qty",), "confirmation": ("conf",), "already": ("alrdy",), "for example": ("e.g.",),
    "by the way": ("btw",), "question": ("q",), "again": ("agn", "again"), "customer": ("cust.",),
}

# Each can take the place of its key in a sentence without touching the rest of it.
SYNONYMS = {
    "i want": ("i'd like", "i need"), "i would like": ("i want", "i'd like"),
    "can i": ("could i", "am i able to"), "how do i": ("how can i", "how would i"),
    "can you": ("could you", "would you"), "tell me": ("let me know", "explain to me"),
    "unable to": ("not able to",), "cannot": ("can't", "can not"), "can't": ("cannot", "cant"),
    "i am": ("i'm", "im"), "i'm": ("i am", "im"), "do not": ("don't", "dont"), "don't": ("do not", "dont"),
    "did not": ("didn't", "didnt"), "didn't": ("did not", "didnt"), "is not": ("isn't", "isnt"),
    "was not": ("wasn't", "wasnt"), "has not": ("hasn't", "hasnt"), "have not": ("haven't", "havent"),
    "immediately": ("right away", "straight away"), "received": ("got",), "because": ("since", "as"),
    "problem": ("issue",), "issue": ("problem",), "big": ("large",), "bought": ("purchased",),
    "wrong": ("not right",), "soon": ("shortly",), "maybe": ("perhaps",), "need to": ("have to",),
    "have to": ("need to",), "trying to": ("attempting to",), "i think": ("i believe", "it looks like"),
    "why is": ("why's",), "what is": ("what's", "whats"), "it is": ("it's", "its"),
}
