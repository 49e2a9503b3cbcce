use crate::{Document, ErrorCode, ErrorDomain, ReadOptions};

fn said(text: &str) -> String {
    match Document::parse(text, ErrorDomain::DOMAIN, &ReadOptions::default()) {
        Err(e) if e.code() == ErrorCode::XML_DETAIL => e.message().to_owned(),
        other => panic!("{text:?}: {other:?}"),
    }
}

fn passes(text: &str) -> bool {
    Document::parse(text, ErrorDomain::DOMAIN, &ReadOptions::default()).is_ok()
}

/// Documents, and what libvirt says of them with libxml2 2.9.
#[rustfmt::skip]
const SAID: &[(&str, &str)] = &[
    ("", "at line 1: Document is empty\n(null)\n^"),
    (" ", "at line 1: Start tag expected, '<' not found\n \n-^"),
    ("hi", "at line 1: Start tag expected, '<' not found\nhi\n^"),
    ("x<a/>", "at line 1: Start tag expected, '<' not found\nx<a/>\n^"),
    ("<a/><b/>", "at line 1: Extra content at the end of the document\n<a/><b/>\n----^"),
    ("<a/></a>", "at line 1: Extra content at the end of the document\n<a/></a>\n----^"),
    ("<a/>x", "at line 1: Extra content at the end of the document\n<a/>x\n----^"),
    ("<a/>\u{1}", "at line 1: Extra content at the end of the document\n<a/>\u{1}\n----^"),
    ("<", "at line 1: StartTag: invalid element name\n<\n-^"),
    ("<!", "at line 1: StartTag: invalid element name\n<!\n-^"),
    ("<!-", "at line 1: StartTag: invalid element name\n<!-\n-^"),
    ("<!--", "at line 1: Comment not terminated\n<!--\n----^"),
    ("<?", "at line 1: xmlParsePI : no target name\n<?\n--^"),
    ("<?xml", "at line 1: XML declaration allowed only at the start of the document\n<?xml\n-----^"),
    ("<?xml version=\"1.0\"?>", "at line 1: Start tag expected, '<' not found\n<?xml version=\"1.0\"?>\n---------------------^"),
    ("<?x a", "at line 1: ParsePI: PI x never end ...\n<?x a\n-----^"),
    ("<?x\u{1}?>", "at line 1: ParsePI: PI x space expected\n<?x\u{1}?>\n---^"),
    ("<?x y\u{1}?>", "at line 1: ParsePI: PI x never end ...\n<?x y\u{1}?>\n-----^"),
    ("<?1?>", "at line 1: xmlParsePI : no target name\n<?1?>\n--^"),
    ("<?xx", "at line 1: ParsePI: PI xx space expected\n<?xx\n----^"),
    ("<d", "at line 1: Couldn't find end of Start Tag d line 1\n<d\n--^"),
    ("<d\n", "at line 2: Couldn't find end of Start Tag d line 1\n<d\n--^"),
    ("<d a", "at line 1: Specification mandates value for attribute a\n<d a\n----^"),
    ("<d a=", "at line 1: AttValue: \" or ' expected\n<d a=\n-----^"),
    ("<d a=\"", "at line 1: AttValue: ' expected\n<d a=\"\n------^"),
    ("<d a/>", "at line 1: Specification mandates value for attribute a\n<d a/>\n----^"),
    ("<d a=1>", "at line 1: AttValue: \" or ' expected\n<d a=1>\n-----^"),
    ("<d a='1'b='2'/>", "at line 1: attributes construct error\n<d a='1'b='2'/>\n--------^"),
    ("<d 1='a'/>", "at line 1: error parsing attribute name\n<d 1='a'/>\n---^"),
    ("<d a='1'/ >", "at line 1: attributes construct error\n<d a='1'/ >\n--------^"),
    ("<d/ >", "at line 1: error parsing attribute name\n<d/ >\n--^"),
    ("<1/>", "at line 1: StartTag: invalid element name\n<1/>\n-^"),
    ("<-/>", "at line 1: StartTag: invalid element name\n<-/>\n-^"),
    ("<d a='x<y'/>", "at line 1: Unescaped '<' not allowed in attributes values\n<d a='x<y'/>\n-------^"),
    ("<d a='x&y'/>", "at line 1: EntityRef: expecting ';'\n<d a='x&y'/>\n---------^"),
    ("<d a='&n;'/>", "at line 1: Entity 'n' not defined\n<d a='&n;'/>\n---------^"),
    ("<d a='\u{2}'/>", "at line 1: invalid character in attribute value\n<d a='\u{2}'/>\n------^"),
    ("<d a='\u{fffe}'/>", "at line 1: Char 0xFFFE out of allowed range\n<d a='\u{fffe}'/>\n------^"),
    ("<d\u{1}/>", "at line 1: Couldn't find end of Start Tag d line 1\n<d\u{1}/>\n--^"),
    ("<d a='1' b='2' a='3' c='4'>x", "at line 1: Attribute a redefined\n<d a='1' b='2' a='3' c='4'>x\n--------------------------^"),
    ("<d xmlns:a='1' xmlns:a='2'/>", "at line 1: Attribute xmlns:a redefined\n<d xmlns:a='1' xmlns:a='2'/>\n--------------------------^"),
    ("<d>", "at line 1: Premature end of data in tag d line 1\n<d>\n---^"),
    ("<d>x", "at line 1: Premature end of data in tag d line 1\n<d>x\n----^"),
    ("<d>\n<e>\n</d>", "at line 3: Opening and ending tag mismatch: e line 2 and d\n</d>\n----^"),
    ("<d>&", "at line 1: xmlParseEntityRef: no name\n<d>&\n----^"),
    ("<d>&amp", "at line 1: EntityRef: expecting ';'\n<d>&amp\n-------^"),
    ("<d>& ", "at line 1: xmlParseEntityRef: no name\n<d>& \n----^"),
    ("<d>&a;", "at line 1: Entity 'a' not defined\n<d>&a;\n------^"),
    ("<d>&#", "at line 1: CharRef: invalid decimal value\n<d>&#\n-----^"),
    ("<d>&#x", "at line 1: CharRef: invalid hexadecimal value\n<d>&#x\n------^"),
    ("<d>&#xg;", "at line 1: CharRef: invalid hexadecimal value\n<d>&#xg;\n------^"),
    ("<d>&#12a;", "at line 1: CharRef: invalid decimal value\n<d>&#12a;\n-------^"),
    ("<d>&#1;", "at line 1: xmlParseCharRef: invalid xmlChar value 1\n<d>&#1;\n-------^"),
    ("<d>&#0;", "at line 1: xmlParseCharRef: invalid xmlChar value 0\n<d>&#0;\n-------^"),
    ("<d>&#xFFFE;", "at line 1: xmlParseCharRef: invalid xmlChar value 65534\n<d>&#xFFFE;\n-----------^"),
    ("<d>&#xD800;", "at line 1: xmlParseCharRef: invalid xmlChar value 55296\n<d>&#xD800;\n-----------^"),
    ("<d>&#x110000;", "at line 1: xmlParseCharRef: character reference out of bounds\n<d>&#x110000;\n-------------^"),
    ("<d>&#99999999999999999999;", "at line 1: xmlParseCharRef: character reference out of bounds\n<d>&#99999999999999999999;\n--------------------------^"),
    ("<d>]]>", "at line 1: Sequence ']]>' not allowed in content\n<d>]]>\n---^"),
    ("<d>\u{1}", "at line 1: PCDATA invalid Char value 1\n<d>\u{1}\n---^"),
    ("<d>\n\n\u{1f}", "at line 3: PCDATA invalid Char value 31\n\u{1f}\n^"),
    ("<d>\u{ffff}", "at line 1: Char 0xFFFF out of allowed range\n<d>\u{ffff}\n---^"),
    ("<d><!-- \u{1f}", "at line 1: xmlParseComment: invalid xmlChar value 31\n<d><!-- \u{1f}\n--------^"),
    ("<d><!-- a -- b", "at line 1: Double hyphen within comment: <!-- a \n<d><!-- a -- b\n----------^"),
    ("<d><!------>", "at line 1: Double hyphen within comment\n<d><!------>\n-------^"),
    ("<d><!-- a --->", "at line 1: Double hyphen within comment: <!-- a \n<d><!-- a --->\n----------^"),
    ("<d><!--x", "at line 1: Comment not terminated\n<d><!--x\n--------^"),
    ("<d><!-- \u{fffe}", "at line 1: Char 0xFFFE out of allowed range\n<d><!-- \u{fffe}\n--------^"),
    ("<d><?x", "at line 1: ParsePI: PI x space expected\n<d><?x\n------^"),
    ("<d><?xml?>", "at line 1: XML declaration allowed only at the start of the document\n<d><?xml?>\n--------^"),
    ("<d><![CDATA[", "at line 1: Unregistered error message\n<d><![CDATA[\n------------^"),
    ("<d><![CDATA[abcdef", "at line 1: CData section not finished\nabcd\n<d><![CDATA[abcdef\n------------------^"),
    ("<d><![CDATA[ab\u{1}cd", "at line 1: CData section not finished\n\n<d><![CDATA[ab\u{1}cd\n--------------^"),
    ("<d><![CDATA[ab\u{fffe}", "at line 1: Char 0xFFFE out of allowed range\n<d><![CDATA[ab\u{fffe}\n--------------^"),
    ("<d><!x>", "at line 1: StartTag: invalid element name\n<d><!x>\n----^"),
    ("<![CDATA[x]]><d/>", "at line 1: StartTag: invalid element name\n<![CDATA[x]]><d/>\n-^"),
    ("<!DOCTYPE", "at line 1: xmlParseDocTypeDecl : no DOCTYPE name !\n<!DOCTYPE\n---------^"),
    ("<!DOCTYPE d", "at line 1: DOCTYPE improperly terminated\n<!DOCTYPE d\n-----------^"),
    ("<d/><!DOCTYPE d>", "at line 1: Extra content at the end of the document\n<d/><!DOCTYPE d>\n----^"),
    ("<d></", "at line 1: expected '>'\n<d></\n-----^"),
    ("<d></d", "at line 1: expected '>'\n<d></d\n------^"),
    ("<d></d x>", "at line 1: expected '>'\n<d></d x>\n-------^"),
    ("<d></e", "at line 1: expected '>'\n<d></e\n------^"),
    ("<d></ d>", "at line 1: expected '>'\n<d></ d>\n------^"),
    ("<d></>", "at line 1: Opening and ending tag mismatch: d line 1 and unparsable\n<d></>\n------^"),
    ("<d>\n\t<e></f>", "at line 2: Opening and ending tag mismatch: e line 2 and f\n\t<e></f>\n\t-------^"),
    ("<d>\r<e>\r</f>", "at line 1: Opening and ending tag mismatch: e line 1 and f\n</f>\n----^"),
    ("<d>äö</e>", "at line 1: Opening and ending tag mismatch: d line 1 and e\n<d>äö</e>\n-----------^"),
    ("<a><b></b></c>", "at line 1: Opening and ending tag mismatch: a line 1 and c\n<a><b></b></c>\n--------------^"),
    ("<d\n\n a=>", "at line 3: AttValue: \" or ' expected\n a=>\n---^"),
    ("<d>\n\n</e>\n\n", "at line 3: Opening and ending tag mismatch: d line 1 and e\n</e>\n----^"),
    ("<d><?x y ? \u{2}", "at line 1: ParsePI: PI x never end ...\n<d><?x y ? \u{2}\n-----------^"),
    (" <?xml version=\"1.0\"?><d/>", "at line 1: XML declaration allowed only at the start of the document\n <?xml version=\"1.0\"?><d/>\n------^"),
    ("<d><?xml version=\"1.0\"?></d>", "at line 1: XML declaration allowed only at the start of the document\n<d><?xml version=\"1.0\"?></d>\n--------^"),
    ("<d a=\"\n\n<\">", "at line 3: Unescaped '<' not allowed in attributes values\n<\">\n^"),
];

#[test]
fn the_texts_are_libxml2s() {
    let wrong: Vec<_> = SAID.iter().filter(|(text, want)| said(text) != *want).collect();
    let shown =
        |(text, want): &&(&str, &str)| format!("{text:?}\n  said {:?}\n  not  {want:?}\n", said(text));
    assert!(wrong.is_empty(), "{}", wrong.iter().map(shown).collect::<String>());
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "<a>\n".repeat(depth), "</a>".repeat(depth));
    assert!(passes(&nested(257)));
    let want = "at line 258: Excessive depth in document: 256 use XML_PARSE_HUGE option\n<a>\n^";
    assert_eq!(said(&nested(258)), want);
    assert!(said(&"<a>".repeat(1_000_000)).contains("Excessive depth"));
}

#[test]
fn what_would_take_long_is_refused_at_once() {
    let before = std::time::Instant::now();
    let many: String = (0..50_000).map(|i| format!(" a{i}=''")).collect();
    assert!(said(&format!("<a{many}/>")).contains("attributes in an element"));
    let spaces: String = (0..250).map(|i| format!(" xmlns:n{i}='{i}'")).collect();
    assert!(said(&format!("<a{spaces}>{}</a>", "<b xmlns:z='z'/>".repeat(20_000))).contains("namespaces"));
    assert!(said(&format!("<a>{};</a>", "&#".repeat(300_000))).contains("CharRef"));
    assert!(
        said(&format!("<a>{}", "<b/>\n".repeat(200_000))).contains("Premature end of data in tag a line 1")
    );
    assert!(said(&format!("<{}/>", "n".repeat(1_000_000))).contains("Name too long: NCName"));
    let bomb = "<!DOCTYPE a [<!-- ' --><!ENTITY a \"aaa\"><!ENTITY b \"&a;&a;\">]><a>&b;</a>";
    assert!(said(bomb).contains("entity reference loop"));
    assert!(before.elapsed().as_secs() < 20, "{:?}", before.elapsed());
}

#[test]
fn what_is_odd_and_well_formed_passes() {
    for text in [
        "\u{feff}<?xml version='1.0'?><!-- a - b --><?p ? > ?><a/>\n<!---->",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a SYSTEM \"a>b\" [ <!ELEMENT a ANY> ] >\n<a/>",
        "<?xml version='1.0' encoding='ISO-8859-1'?><a b='&lt;&#65;&#x41;>'>]] ><![CDATA[]]&]]></a >",
        "<_a.b-c \u{e4}='\u{ff1f}'/>",
    ] {
        assert!(passes(text), "{text}: {}", said(text));
    }
    assert!(passes(&format!("<a>{}</a>", "<b c='>'/>".repeat(10_000))));
}
