"""Which languages are texts read in? Names of analyzers, and stop words."""

from __future__ import annotations

ENGLISH, SIMPLE, CJK, KEYWORD = "english", "simple", "cjk", "keyword"

LANGUAGES = (
    *("arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hungarian", "italian"),
    *("norwegian", "portuguese", "romanian", "russian", "spanish", "swedish", "tamil", "turkish"),
)
"""The languages that Snowball stems."""

ANALYZERS = (*LANGUAGES, CJK, SIMPLE, KEYWORD)
"""How a field's words are found. A language: stemmed, less its stop words. simple: in lower case, as they are. cjk: the
same, as CJK becomes bigrams everywhere. keyword: the whole text, exactly."""

STOP_WORDS = {
    "danish": "af alle at den der det de du en er et for fra har i ikke jeg med og om på som til var vi",
    "dutch": "de het een en van in is dat op te voor met zijn niet aan er om ook als bij of dan door naar",
    "finnish": "ja on ei se että en oli joka mutta tai kun myös niin ovat hän",
    "french": "le la les l un une des du de d et en est à au aux dans que qui ne pas pour par sur ce se son sa ses",
    "german": "der die das den dem des ein eine einer eines einem einen und in im ist zu zum zur von vom mit auf für "
    "an am nicht sich auch als es bei oder aus nach um",
    "hungarian": "a az és hogy nem egy is ez meg van volt de ha vagy",
    "italian": "il lo la i gli le l un uno una e di a da in con su per tra fra che non è si del della dei delle al",
    "norwegian": "og i det en er på som til å av for at med de et ikke den har om vi men fra var",
    "portuguese": "o a os as um uma e de do da dos das em no na que não é para por com se ao ou mais",
    "romanian": "și în de la cu a al ai ale o un pe nu este sunt care că din pentru se sau",
    "russian": "и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по от о из для",
    "spanish": "el la los las un una unos unas y de del a al en que no es por para con se su lo o más",
    "swedish": "och i att det som en på är av för med den till inte om ett har de jag vi men från var",
    "turkish": "ve bir bu da de için ile çok ne gibi daha o mi",
}
"""Few and sure ones of our own writing; languages without a list have none left out."""
