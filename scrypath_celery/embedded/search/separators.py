"""The characters that part words, and those of them that end a sentence, as the engine has them in the basic plane."""

from __future__ import annotations

import unicodedata
from functools import cache

SEPARATORS = frozenset(
    "\x00\x09\x0a\x0d !\"#%&'()*+,-./:;?@[\\]_`{}¡§«±¶·»¿×÷՚՛՜՝՞՟։֊\u05be\u05c0\u05c3\u05c6\u05f3\u05f4؉؊،\u060d"
    "\u061b\u061e\u061f٪\u066d\u06d4\u0700\u0701\u0702\u0703\u0704\u0705\u0706\u0707\u0708\u0709\u070a\u070b\u070c"
    "\u070d߷߸߹\u0830\u0831\u0832\u0833\u0834\u0835\u0836\u0837\u0838\u0839\u083a\u083b\u083c\u083d\u083e\u085e।॥॰৽੶"
    "૰౷಄෴๏๚๛༄༅༆༇༈༉༊་།༎༏༐༑༒༔༺༻༼༽྅࿐࿑࿒࿓࿔࿙࿚၊။၌၍၎၏჻፠፡።፣፤፥፦፧፨᐀᙮\u1680᚛᚜᛫᛬᛭᜵᜶។៕៖៘៙៚᠀᠁᠂᠃᠄᠅᠆᠇᠈᠉᠊᥄᥅᨞᨟᪠᪡᪢᪣᪤᪥᪦᪨᪩᪪᪫᪬᪭᭚᭛᭜᭝᭞᭟᭠᯼᯽᯾᯿"
    "᰻᰼᰽᰾᰿᱾᱿᳀᳁᳂᳃᳄᳅᳆᳇᳓\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200c‐‒–—―‖‗‘’‚‛“”„‟†‡•‣․‥…‧\u2029‰‱′″‴"
    "‵‶‷‸‹›※‼‽‾‿⁀⁁⁂⁃⁅⁆⁇⁈⁉⁊⁋⁌⁍⁎⁏⁐⁑⁓⁔⁕⁖⁗⁘⁙⁚⁛⁜⁝⁞⁽⁾₍₎−∓∔∕∖∗∘∙√∛∜∝∞∟∠∡∢∣∤∥∧∨∩∪∫∬∭∮∯∰∱∲∳∴∵∶∷∸∹∺∻∼∽∾∿≀≁≂≃≄≅≆≇≈≉≊≋≌≍≎≏≐≑≒≓≔"
    "≕≖≗≘≙≚≛≜≝≞≟≠≡≢≣≤≥≦≧≨≩≪≫≬≭≮≯≰≱≲≳≴≵≶≷≸≹≺≻≼≽≾≿⊀⊁⊂⊃⊄⊅⊆⊇⊈⊉⊊⊋⊌⊍⊏⊐⊑⊒⊓⊔⊕⊖⊗⊘⊙⊚⊛⊜⊝⊞⊟⊠⊡⊢⊣⊤⊥⊦⊧⊨⊩⊪⊫⊬⊭⊮⊯⊰⊱⊲⊳⊴⊵⊶⊷⊸⊹⊺⊻⊼⊽⊾⊿⋀⋁⋂⋃"
    "⋄⋅⋆⋇⋈⋉⋊⋋⋌⋍⋎⋏⋐⋑⋒⋓⋔⋕⋖⋗⋘⋙⋚⋛⋜⋝⋞⋟⋠⋡⋢⋣⋤⋥⋦⋧⋨⋩⋪⋫⋬⋭⋮⋯⋰⋱⋲⋳⋴⋵⋶⋷⋸⋹⋺⋻⋼⋽⋾⋿⌈⌉⌊⌋❨❩❪❫❬❭❮❯❰❱❲❳❴❵⟅⟆⟦⟧⟨⟩⟪⟫⟬⟭⟮⟯⦃⦄⦅⦆⦇⦈⦉⦊⦋⦌⦍⦎⦏⦐⦑⦒⦓⦔⦕⦖"
    "⦗⦘⧘⧙⧚⧛⧼⧽⳹⳺⳻⳼⳾⳿⵰⸀⸁⸂⸃⸄⸅⸆⸇⸈⸉⸊⸋⸌⸍⸎⸏⸐⸑⸒⸓⸔⸕⸖⸗⸘⸙⸚⸛⸜⸝⸞⸟⸠⸡⸢⸣⸤⸥⸦⸧⸨⸩⸪⸫⸬⸭⸮⸰⸱⸲⸳⸴⸵⸶⸷⸸⸹⸺⸻⸼⸽⸾⸿⹀⹁⹂⹃⹄⹅⹆⹇⹈⹉⹊⹋⹌⹍⹎⹏⹒\u3000、。〃〈"
    "〉《》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〽゠・꓾꓿꘍꘎꘏꙳꙾꛲꛳꛴꛵꛶꛷꡴꡵꡶꡷꣎꣏꣸꣹꣺꣼꤮꤯꥟꧁꧂꧃꧄꧅꧆꧇꧈꧉꧊꧋꧌꧍꧞꧟꩜꩝꩞꩟꫞꫟꫰꫱꯫﴾﴿︐︑︒︓"
    "︔︕︖︗︘︙︰︱︲︳︴︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄﹅﹆﹇﹈﹉﹊﹋﹌﹍﹎﹏﹐﹑﹒﹔﹕﹖﹗﹘﹙﹚﹛﹜﹝﹞﹟﹠﹡"
    "﹣﹨﹪﹫！＂＃％＆＇（）＊，－．／：；？＠［＼］＿｛｝｟｠｡｢｣､･"
) | {". ", ", ", "។ល។"}
_SENTENCE_ENDS = frozenset(
    "\x00!;?¡§¶¿՜՝՞։\u05c3،\u061b\u061f\u06d4\u0700\u0701\u0702\u0703\u0704\u0705\u0706\u0707\u0708\u0709߷߸߹\u0830"
    "\u0831\u0832\u0833\u0834\u0835\u0838\u0839\u083a\u083b\u083c\u083d\u083e\u085e।॥෴๚๛༄༅༆༇༈༉༊།༎༏༐༑༒༔࿐࿑࿒࿓࿔၊။჻።፣፤፥፦"
    "፧፨᚛᚜᛫᛬᛭᜵᜶។៕៖៘៚᠀᠁᠂᠃᠄᠅᠆᠈᠉᥄᥅᨟᪨᪩᪪᪫᪬᪭᭚᭛᭜᭝᭞᭟᭠᯼᯽᯾᯿᰻᰼᰽᰾᰿᱾᱿᳀᳁᳂᳃᳄᳅᳆᳇․‥…※‼‽⁇⁈⁉⁏⁖⁚⳹⳺⳻⳼⳾⸘⸮⹁、。꓾꓿꘍꘎꘏꛲꛳꛴꛵꛶꛷꡶꡷꣎꣏꤯꥟꧃꧄꧅꧆꧇꧈꧉꧊꧋꧌꧍"
    "꩜꩝꩞꩟꫟꫰꫱꯫︐︑︒︓︔︕︖︙︰﹅﹐﹑﹒﹔﹕﹖﹗！，．：；？｡､"
) | {". ", ", ", "។ល។"}


@cache
def normal_form(raw: str, separators: frozenset[str] = SEPARATORS) -> tuple[str, str]:
    """What a separator becomes and what kind of token that is: `soft`, `hard`, or a `word`.

    The engine takes a separator apart before it looks again whether it is one: an ellipsis becomes three dots, and
    those are a word. `separators` are all that the index has.
    """
    lemma = unicodedata.normalize("NFKD", raw)
    lemma = "".join(c for c in lemma if c.isspace() or unicodedata.category(c) != "Cc")
    if lemma not in separators:
        return lemma, "word"
    return lemma, "hard" if lemma in _SENTENCE_ENDS else "soft"
