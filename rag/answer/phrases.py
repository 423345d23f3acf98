"""Phrases of texts that are written for a language model, and not for whoever reads a document.

Kinds of injected instructions are those of Greshake et al. (2023), "Not what you've signed up
for" (arXiv 2302.12173), and of Liu et al. (2024), "Formalizing and Benchmarking Prompt Injection
Attacks and Defenses" (arXiv 2310.12815); the patterns are written for this module.
"""

from __future__ import annotations

import re
from functools import cached_property

_REPLY = r"(?:answers?|repl(?:y|ies)|responses?|outputs?|summar(?:y|ies))"
_LINK = r"(?:links?|hyperlinks?|images?|pictures?|pixels?|urls?|markdown|html|https?:|www\.|!\[)"
_MODEL = (
    r"(?:ai|a\.i\.|llms?|(?:large )?language models?|chat ?bots?|ai (?:language )?models?|"
    r"ai assistants?|ai systems?|ai agents?)"
)
_RULES = (
    r"(?:instructions?|directions|directives?|prompts?|rules|guidelines|commands?|orders|"
    r"constraints|restrictions|guardrails|safeguards|programming)"
)
_IGNORE = (
    r"(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass|discard|abandon|"
    r"set aside|(?:do not|don't|never|no longer|stop) (?:follow|obey)(?:ing)?|"
    r"pay no attention to|take no notice of)"
)
_BEFORE = r"(?:previous|prior|above|earlier|preceding|foregoing|former|initial|original)"
_ADD = (
    r"(?:append|add|insert|include|embed|render|attach|put|place|emit|output|display|write|show|"
    r"give|provide|end|begin|start|finish|close|conclude|mention)"
)

_OVERRIDES = (
    rf"\b{_IGNORE}\b.{{0,40}}?\b(?:{_BEFORE}|system|developer|your)\b.{{0,30}}?\b{_RULES}\b",
    rf"\b{_IGNORE}\b.{{0,30}}?\b{_RULES}\b.{{0,20}}?\b"
    r"(?:above|before|so far|you (?:were|have been))",
    rf"(?:^|[.!?:;,\"'(-] ?|please |must |now )ignore (?:all|any|every|the) (?:of )?"
    rf"(?:the |your |these )?{_RULES}\b",
    rf"\b{_IGNORE}\b (?:all|any|every ?thing|anything)\b.{{0,30}}?\b(?:{_BEFORE}|before this|"
    r"written so far|said so far)\b",
    rf"\b{_IGNORE}\b.{{0,20}}?\b(?:what|everything|anything|all)\b.{{0,12}}?\byou "
    r"(?:were|have been|are|know)\b.{0,20}?\b(?:told|instructed|asked|given|taught)\b",
    rf"\b{_IGNORE}\b (?:all |the |every |any )*(?:other|remaining|rest of the) "
    r"(?:sources?|passages?|documents?|search results?)\b",
    r"\bnew (?:system )?(?:instructions?|directives?|prompt) ?:",
    r"\byour new (?:system )?(?:instructions?|prompt|task|persona|objective|identity|directives?) "
    r"?(?:is|are|will be|:)",
    r"\b(?:begin|start|end) (?:of )?(?:the )?(?:system|hidden|new|secret|admin|developer) "
    r"(?:prompt|message|instructions?|override)\b",
    r"\b(?:system|admin(?:istrator)?|developer) override ?[:!\]]",
    r"\bend of (?:the )?(?:documents?|sources?|passages?|context|data)\b.{0,60}?"
    r"\b(?:new (?:task|instructions?)|instructions?|you (?:must|will|should|are))\b",
)
_ROLES = (
    rf"\b(?:dear|hey|hello|attention|note to|notice to|message (?:to|for)|instructions? (?:to|for)|"
    rf"reminder to),? (?:any |all |the |every |you )*(?:{_MODEL}|assistant reading)\b",
    rf"\bif you(?:'re| are) (?:an? |the |any )?(?:{_MODEL}|automated|bot\b)",
    rf"\bas an? {_MODEL},? (?:you|your|please)\b",
    rf"\byou are (?:an?|the) (?:\w+ ){{0,3}}{_MODEL}\b",
    rf"\byou are (?:now|no longer) (?:an? |the |my |called |named |playing |acting as )*"
    rf"(?:\w+ ){{0,3}}(?:{_MODEL}|assistant|dan|\w+gpt|\w+bot|persona|jailbroken|unrestricted|"
    r"unfiltered|pirate|hacker|model|(?:god|developer|jailbreak|sudo|root) mode)\b",
    r"\byou are no longer (?:bound|restricted|limited|constrained) by your\b",
    r"\bfrom now on,? (?:you (?:will |must |shall |should |are to )?)?(?:only |always )?"
    r"(?:answer|reply|respond|act as|speak|pretend|behave|obey|talk|call yourself)\b",
    r"\bfrom now on,? you are (?:an?|the|called|named|my)\b",
    rf"\bfrom now on,? (?:every|all|each|any|your) (?:\w+ )?{_REPLY}\b",
    rf"\b(?:act|behave|respond|reply|speak|answer|role-?play|pose) as (?:if you (?:are|were) )?"
    rf"(?:an? |the |my )?(?:\w+ ){{0,2}}(?:unrestricted|unfiltered|jailbroken|dan|pirate|hacker|"
    rf"{_MODEL})\b",
    r"\bpretend (?:that )?you(?:'re| are| have| can)\b",
    r"\bdo anything now\b|\bdeveloper mode (?:enabled|activated|output)\b",
    rf"\bthe (?:{_MODEL}|assistant|model) (?:must|should|shall|is to|has to|needs to) (?:now )?"
    r"(?:always |only |also )?(?:ignore|obey|comply|respond|append|output|print|"
    r"render|answer|cite)",
)
_SECRETS = (
    r"\b(?:reveal|print|show|repeat|output|tell|display|leak|disclose|send|expose|recite|dump|"
    r"quote|give|write|state|share|translate|summari[sz]e|encode|copy|paste|return|include|append)"
    r"\b.{0,60}?\b(?:(?:system|hidden|initial|secret|developer) prompt|(?:system|developer) "
    r"message|hidden instructions|secret instructions)\b",
    r"\b(?:reveal|print|repeat|output|leak|disclose|expose|recite|dump|translate|encode)\b"
    r".{0,30}?\byour (?:\w+ )?(?:prompt|instructions|guidelines|programming|directives|rules)\b",
    r"\b(?:repeat|print|output|recite|echo|copy)\b.{0,30}?\b(?:everything|(?:all (?:of )?)?the "
    r"(?:words|text|conversation|prompt)) (?:above|before|you were given|so far)",
    r"\b(?:append|add|put|insert|encode|include|embed|send|attach|place|write|fill)\b.{0,60}?\b"
    r"(?:question|conversation|chat|history|context|prompt|documents?|sources|messages?)\b.{0,60}?"
    r"(?:https?:|\b(?:in|into|to|as|onto) (?:the |this |a |its )?(?:urls?|links?|image|query "
    r"(?:string|parameter)|base64))",
)
_EMISSIONS = (
    rf"\b{_ADD}\b.{{0,80}}?(?:\b|!){_LINK}.{{0,100}}?\b(?:your|every|each) (?:\w+ )?{_REPLY}\b",
    rf"\b{_ADD}\b.{{0,60}}?\b(?:your|every|each) (?:\w+ )?{_REPLY}\b.{{0,80}}?{_LINK}",
    rf"\b(?:end|begin|start|finish|close|conclude|preface|prefix|sign) (?:off )?(?:all |every |"
    rf"each )?(?:of )?(?:your|every|each|all) (?:\w+ )?"
    rf"(?:{_REPLY}|sentences?|messages?) (?:with|by)\b",
    r"\b(?:answer|reply|respond)\b.{0,40}?\bwith (?:exactly|only|just|nothing but|"
    r"nothing except)\b",
    r"\b(?:answer|reply|respond)\b.{0,40}?\b(?:only|just|exactly|solely) with (?:the |this )?"
    r"(?:following )?(?:words?|text|phrase|sentence|string|token|link|code)\b",
    r"\b(?:tell|inform|convince|instruct|urge|ask|direct|advise|send) (?:the |any |every |all )?"
    r"(?:users?|readers?|humans?|person asking|customers?) (?:to|that)\b.{0,100}?(?:https?:|www\.)",
    r"\bdo not (?:mention|tell|reveal|disclose|cite|refer to)\b.{0,40}?\b(?:this (?:instruction|"
    r"prompt)|these instructions)\b",
    r"\b(?:cite|quote) (?:only )?this (?:source|passage|document)\b.{0,60}?\b(?:every|always|"
    r"regardless|whatever)\b",
)
_TOKENS = (
    r"<\|[^<>|\n]{1,40}\|>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>|<(?:bos|eos|endoftext)>|"
    r"\[/?(?:system_prompt|tool_calls|available_tools)\]",
    r"</?\s*(?:system|assistant|tool_(?:results?|calls?|use)|function_(?:results?|calls?)|"
    r"system[-_ ](?:prompt|message|reminder)|instructions?)\b[^<>\n]{0,80}>",
    r"\[ ?(?:system|assistant|developer)(?: (?:message|prompt|note|override|instructions?))? ?\]",
    r"\"role\" ?: ?\"(?:system|assistant|developer|tool)\"",
    r"### ?(?:system|instruction|human|assistant|user|response) ?:",
    r"\b(?:system|developer) (?:message|prompt|instructions?|note|notice|update) ?(?:[:\]]|\* ?:)",
    r"\b(?:tool|function) (?:result|output|response|call) ?:",
    r"^\W*(?:system|assistant|developer|tool|user|human|ai) ?[:>]\W*(?:you\b|your\b|ignore|"
    r"disregard|"
    r"forget|the user|please|answer|reply|respond|from now|always|never|new |sure|certainly|of "
    r"course|i will|i'll|i am|i have|okay|ok\b|understood|important|override|reveal|print)",
)
_GERMAN = (
    r"\b(?:ignorier\w*|vergiss|vergesst|vergessen sie|missacht\w*|uberspring\w*|verwirf|beachte\w*)"
    r"\b.{0,60}?\b(?:vorherig|bisherig|obig|fruher|vorangegangen|vorangehend|vorstehend|"
    r"ursprunglich|deine|zuvor)\w*\b.{0,40}?\b(?:anweisung|instruktion|befehl|regel|vorgabe|"
    r"prompt|systemprompt|richtlinie)\w*",
    r"\b(?:vorherig|bisherig|obig|fruher|vorangegangen|vorangehend|vorstehend|deine)\w*\b.{0,30}?"
    r"\b(?:anweisung|instruktion|befehl|regel|vorgabe|prompt)\w*\b.{0,30}?"
    r"\b(?:ignorier|vergess|missacht|zu ignorieren|nicht (?:mehr )?(?:beacht|befolg))\w*",
    r"\bdu bist (?:jetzt|nun|ab (?:jetzt|sofort)|nicht (?:mehr|langer)) .{0,40}?\b(?:ki|assistent|"
    r"\w*bot|pirat|\w*gpt|sprachmodell|modell)\w*",
    r"\b(?:ab (?:jetzt|sofort)|von nun an) (?:antwort|bist du|sprichst du|schreib)\w*",
    r"\b(?:zeig|verrat|nenn|gib|wiederhol|offenbar|druck|schreib)\w*\b.{0,40}?\b(?:system-?prompt|"
    r"system-?nachricht|system-?anweisung|deine\w* (?:\w+ )?(?:anweisung|prompt|instruktion))\w*",
    r"\b(?:fug|hang|setz|erganz|beend|schliess|schreib|bau|"
    r"zeig)\w*\b.{0,80}?(?:\b(?:links?|bild\w*|"
    r"url|adresse)\b|https?:).{0,80}?\b(?:deine|jede|ihre)\w* antwort\w*",
    r"\b(?:fug|hang|setz|erganz|beend|schliess|schreib|bau)\w*\b.{0,60}?\b(?:deine|jede|ihre)\w* "
    r"antwort\w*\b.{0,80}?(?:\b(?:links?|bild\w*|url)\b|https?:)",
    r"\bantworte\w* (?:nur|ausschliesslich|immer|stets) (?:noch )?mit\b",
)
_FRENCH = (
    r"\b(?:ignore[rz]?|oublie[rz]?|neglige[rz]?|fai(?:s|tes) abstraction|ne (?:tiens|tenez) (?:pas|"
    r"plus|aucun) compte|ne sui(?:s|vez) (?:pas|plus)|desobei\w*)\b.{0,60}?\b(?:instructions?|"
    r"consignes?|directives?|regles?|ordres?)\b.{0,30}?\b(?:precedent|ci-dessus|anterieur|"
    r"prealable|"
    r"initial|systeme|d'origine|recu)\w*",
    r"\b(?:ignore[rz]?|oublie[rz]?|fai(?:s|tes) abstraction)\b.{0,40}?\b(?:tes|vos|"
    r"precedentes|toutes "
    r"les) (?:instructions|consignes|directives|regles)\b",
    r"\b(?:tu es|vous etes) (?:maintenant|desormais) .{0,40}?\b(?:assistant|ia|robot|\w*bot|modele|"
    r"pirate|\w*gpt)\b",
    r"\b(?:revele|affiche|montre|repete|donne|divulgue|ecri|"
    r"recite)\w*\b.{0,40}?\b(?:prompt systeme|"
    r"invite systeme|message systeme|instructions systeme|(?:tes|vos) (?:\w+ )?(?:instructions|"
    r"consignes))\b",
    r"\b(?:ajoute|insere|inclu|termine|commence|joins|joignez|affiche|mets|"
    r"mettez)\w*\b.{0,80}?(?:\b"
    r"(?:liens?|images?|url)\b|https?:).{0,80}?\b(?:ta|tes|votre|vos|chaque) reponses?\b",
    r"\b(?:ajoute|insere|inclu|termine|commence)\w*\b.{0,60}?\b(?:ta|tes|votre|vos|"
    r"chaque) reponses?"
    r"\b.{0,80}?(?:\b(?:liens?|images?|url)\b|https?:)",
    r"\b(?:desormais|a partir de maintenant),? (?:tu (?:es|dois|repond)|vous (?:etes|devez|repond)|"
    r"repond)\w*",
)
_SPANISH = (
    r"\b(?:ignor[ae]\w?|olvid[ae]\w*|omit[ae]|descart[ae]|desobedec\w*|ha(?:z|ga|"
    r"gas) caso omiso|no "
    r"(?:hagas?|sigas?|tengas? en cuenta)|no obedezcas)\b.{0,60}?\b(?:instruccion|indicacion|orden|"
    r"regla|directri|directiva|consigna|prompt)\w*\b.{0,30}?\b(?:anterior|previ[ao]|precedent|de "
    r"arriba|original|inicial|recibid|del sistema)\w*",
    r"\b(?:ignor[ae]\w?|olvid[ae]\w*|haz caso omiso)\b.{0,40}?\b(?:tus|anteriores|previas|"
    r"todas las) "
    r"(?:instrucciones|reglas|ordenes|indicaciones|directrices)\b",
    r"\b(?:ahora|a partir de ahora|desde ahora),? (?:eres|seras|responde|actua|debes responder)\b",
    r"\b(?:revela|muestra|repite|imprime|dime|divulga|escribe|ensena)\w*\b.{0,40}?\b(?:prompt del "
    r"sistema|mensaje del sistema|instrucciones del sistema|tus (?:\w+ )?instrucciones|"
    r"tu prompt)\b",
    r"\b(?:anad|agreg|inclu|insert|termin|adjunt|muestr|pon)\w*\b.{0,80}?(?:\b(?:enlaces?|imagen|"
    r"imagenes|url)\b|https?:).{0,80}?\b(?:tus?|sus?|cada) respuestas?\b",
    r"\b(?:anad|agreg|inclu|insert|termin|adjunt)\w*\b.{0,60}?\b(?:tus?|sus?|cada) respuestas?\b"
    r".{0,80}?(?:\b(?:enlaces?|imagen|url)\b|https?:)",
)
_OTHERS = (
    r"\b(?:ignora|dimentica|trascura|non seguire)\b.{0,60}?\b(?:istruzion|regol|direttiv|"
    r"comand)\w*\b"
    r".{0,30}?\b(?:precedent|sopra|anterior)\w*",
    r"\b(?:ignor[ae]|esqueca|desconsidere)\b.{0,60}?\b(?:instruc|regra|orde|diretri)\w*\b.{0,30}?\b"
    r"(?:anterior|acima|previa)\w*",
    r"\b(?:negeer|vergeet)\b.{0,60}?\b(?:vorige|eerdere|bovenstaande|voorgaande)\b.{0,30}?\b"
    r"(?:instructies|aanwijzingen|opdrachten|regels)\b",
    r"(?:игнорируи|забудь|не обращаи внимания)\w*.{0,60}?(?:предыдущ|прежни|вышеуказанн|"
    r"все)\w*.{0,30}?"
    r"(?:инструкци|указани|команд|правил)",
    r"(?:忽略|无视|忽視|無視|忘记|忘記|不要理会).{0,12}?(?:之前|以前|先前|以上|上述|前面|所有).{0,12}?"
    r"(?:指令|指示|提示|规则|規則|命令|说明)",
    r"(?:以前|これまで|上記|前)の.{0,8}?(?:指示|命令|プロンプト).{0,8}?(?:無視|忘れ)",
    r"تجاهل.{0,40}?(?:التعليمات|الاوامر|التوجيهات).{0,30}?(?:السابقة|اعلاه)",
)
_HIDDEN = (r"\bstyle ?= ?[\"'][^\"'<>]*(?:display ?: ?none|visibility ?: ?hidden|font-size ?: ?0)",)


class Kind:
    """Patterns, and words of which one is in whatever they match: those are looked for at first."""

    def __init__(self, words: str, patterns: tuple[str, ...]) -> None:
        self.words = tuple(words.split("|"))
        self._patterns = patterns

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What matches any of them. Most texts hold none of the words, and need it not."""
        return re.compile("|".join(f"(?:{one})" for one in self._patterns))


KINDS = (
    Kind(
        "ignor|disregard|forget|overrid|bypass|discard|abandon|set aside|follow|obey|no attention|"
        "no notice|your new|new instruction|new system|new directive|new prompt|prompt|override|"
        "end of|instruction|system message|hidden message|secret message|admin message|"
        "new message|developer message",
        _OVERRIDES,
    ),
    Kind(
        " ai|a.i.|llm|language model|chatbot|chat bot|assistant|automated|you are now|"
        "no longer|from now on|pretend|anything now|developer mode|unrestricted|unfiltered|"
        "jailbroken|pirate|hacker| dan|the model| bot",
        _ROLES,
    ),
    Kind(
        "prompt|instruction|guideline|programming|directive|rules|system message|"
        "developer message|above|so far|you were given|http|url|link|image|query string|"
        "query parameter|base64|text before|words before|everything before|conversation before",
        _SECRETS,
    ),
    Kind(
        "answer|repl|respon|output|summar|http|www.|this instruction|this prompt|instructions|"
        "this source|this passage|this document|sentence|message",
        _EMISSIONS,
    ),
    Kind(
        '<|[|"role"|###|system|developer|tool|function|assistant:|user:|human:|ai:|assistant :|'
        "user :|human :|ai :|assistant>|user>|human>|ai>|assistant >|user >|human >|ai >",
        _TOKENS,
    ),
    Kind(
        "anweisung|instruktion|befehl|regel|vorgabe|prompt|richtlinie|du bist|ab jetzt|ab sofort|"
        "von nun an|antwort|systemnachricht|system-nachricht",
        _GERMAN,
    ),
    Kind(
        "instruction|consigne|directive|regle|ordre|tu es|vous etes|prompt|invite|systeme|reponse|"
        "repond|desormais|a partir de maintenant",
        _FRENCH,
    ),
    Kind(
        "instruccion|indicacion|orden|ordenes|regla|directri|directiva|consigna|prompt|eres|seras|"
        "actua|responde|mensaje del sistema|respuesta",
        _SPANISH,
    ),
    Kind(
        "istruzion|regol|direttiv|comand|instruc|regra|ordens|ordem|diretri|instructies|"
        "aanwijzingen|opdrachten|regels|инструкци|указани|команд|правил|指令|指示|提示|规则|規則|"
        "命令|说明|プロンプト|تجاهل",
        _OTHERS,
    ),
    Kind("style", _HIDDEN),
)
