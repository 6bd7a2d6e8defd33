use std::collections::BTreeSet;

use proptest::prelude::*;

use super::html::{HtmlError, check, check_source};
use super::syntax::{SyntaxError, read};
use super::*;

fn content(variables: &[(&str, bool)], locales: &[&str]) -> Content {
    let variable = |(name, is_optional): &(&str, bool)| Variable {
        name: Name::parse(name).expect("a name"),
        is_optional: *is_optional,
    };
    let text = |locale: &&str| Text {
        locale: Locale::parse(locale).expect("a language"),
        subject: format!("Spec {{{{ spec }}}} in {locale}"),
        text: "Approved.".to_owned(),
        html: String::new(),
    };
    Content { variables: variables.iter().map(variable).collect(), texts: locales.iter().map(text).collect() }
}

#[test]
fn what_shows_and_leaves_out_is_a_template_and_its_variables_are_known() {
    let source = "{{ spec }}{{who}} { } {% if note and not draft %}{{ note }}{% elif state == \"done\" or state != \"\" %}!{% else %}?{% endif %}";
    let names = read(source).expect("a template");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["draft", "note", "spec", "state", "who"]);
    assert_eq!(read("no tag, 100 % { }").expect("a template").len(), 0);
}

/// ASVS: V1.3.7
#[test]
fn attack_t29_a_hostile_template_is_refused_before_the_engine_sees_it() {
    for hostile in [
        "{{ 7 * 7 }}",
        "{{ x ~ x }}",
        "{{ x|safe }}",
        "{{ x.y }}",
        "{{ x[0] }}",
        "{{ x() }}",
        "{{ range(9) }}",
        "{{ self }}",
        "{{ loop }}",
        "{{ \"a\" * 999999999 }}",
        "{{ x if y }}",
        "{{ [x] }}",
        "{{ {} }}",
        "{{ x }",
        "{{",
        "{{ \"}}\" }}",
        "{{}}",
        "{% for a in b %}{% endfor %}",
        "{% set x = x %}",
        "{% include \"v1/layout.html\" %}",
        "{% extends x %}",
        "{% import \"a\" as b %}",
        "{% macro m() %}{% endmacro %}",
        "{% raw %}{{ x }}{% endraw %}",
        "{% filter upper %}{% endfilter %}",
        "{% autoescape false %}{{ x }}{% endautoescape %}",
        "{% do x %}",
        "{% with x = y %}{% endwith %}",
        "{% block a %}{% endblock %}",
        "{% if x|length %}{% endif %}",
        "{% if x == y %}{% endif %}",
        "{% if (x) %}{% endif %}",
        "{% if x in y %}{% endif %}",
        "{% if x is defined %}{% endif %}",
        "{% if %}{% endif %}",
        "{% else %}",
        "{% endif %}",
        "{% if x %}",
        "{# x #}",
        "{% if x %}{% else y %}{% endif %}",
        "{%- if x -%}{%- endif -%}",
    ] {
        assert!(read(hostile).is_err(), "{hostile}");
    }
    let deep = format!("{}{}", "{% if x %}".repeat(11), "{% endif %}".repeat(11));
    assert_eq!(read(&deep), Err(SyntaxError::Deep));
}

/// ASVS: V1.3.1
#[test]
fn attack_t29_html_that_runs_loads_asks_or_hides_is_refused() {
    for fine in [
        "<p>Hello <strong>{{ who }}</strong><br>x</p>",
        "<a href=\"https://example.org/{{ spec }}\">x</a>",
        "<a href=\"{{ link }}\">x</a>",
    ] {
        assert_eq!(check_source(fine), Ok(()), "{fine}");
    }
    for hostile in [
        "<script>alert(1)</script>",
        "<SCRIPT>",
        "<img src=x>",
        "<p onclick=\"x\">",
        "<p style=\"display:none\">",
        "<style>",
        "<form>",
        "<iframe>",
        "<a href='https://example.org'>",
        "<a href=https://example.org>",
        "<a  href=\"https://example.org\">",
        "<a href=\"https://a\" onclick=\"b\">",
        "<!-- x -->",
        "</div>",
        "<div>",
        "< p>",
        "<p",
        "<a href=\"javascript:alert(1)\">",
        "<a href=\"data:text/html,x\">",
        "<a href=\"//evil.example\">",
        "<a href=\"https://x{% if y %}\">",
        "<svg/onload=alert(1)>",
        "<base href=\"https://evil.example\">",
        "<p/>",
    ] {
        assert!(check_source(hostile).is_err(), "{hostile}");
    }
    assert_eq!(check("<a href=\"javascript:alert(1)\">x</a>"), Err(HtmlError::Link));
    for unbalanced in ["<p>", "</p>", "<p><b></p></b>", "<ul><li></ul>"] {
        assert_eq!(check(unbalanced), Err(HtmlError::Unbalanced), "{unbalanced}");
    }
}

#[test]
fn values_are_those_that_are_declared() {
    let content = content(&[("spec", false), ("note", true)], &["en"]);
    let data = |given: &[(&str, &str)]| {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Data>()
    };
    let filled = content.fill(&data(&[("spec", "7")])).expect("enough");
    assert_eq!(filled, data(&[("note", ""), ("spec", "7")]));
    let long = "x".repeat(VALUE_MAX + 1);
    let faults = content.fill(&data(&[("note", &long), ("other", "x"), ("spec", "")])).expect_err("three faults");
    let faults: Vec<_> = faults.into_iter().map(|(name, reason, _)| (name, reason)).collect();
    let wanted = [("note", "TOO_LONG"), ("other", "UNDECLARED"), ("spec", "REQUIRED")];
    assert_eq!(faults, wanted.map(|(name, reason)| (name.to_owned(), reason)));
    assert!(content.fill(&data(&[("spec", "a\u{202e}b")])).is_err(), "text that is turned round");
}

#[test]
fn a_reader_gets_its_language_or_the_nearest() {
    let content = content(&[("spec", false)], &["en", "pt", "pt-BR"]);
    let of = |locale: &str| {
        let locale = Locale::parse(locale).ok();
        content.text_for(locale.as_ref()).map(|text| text.locale.as_str().to_owned()).expect("one at least")
    };
    assert_eq!([of("pt-BR"), of("pt-PT"), of("de"), of("")], ["pt-BR", "pt", "en", "en"]);
    assert_eq!(content.warnings(), [""; 0]);
}

#[test]
fn what_looks_wrong_is_said() {
    let content = content(&[("spec", false), ("note", true)], &["en"]);
    assert_eq!(content.warnings(), ["No text shows the variable note."]);
}

proptest! {
    /// Whatever is read names nothing but names, and the engine agrees on what it is.
    #[test]
    fn whatever_is_a_template_here_is_one_to_the_engine(source in "(\\{\\{ ?[a-z~*.|\"]{1,4} ?\\}\\}|\\{% ?(if|elif|else|endif|for) ?[a-z =!\"|]{0,8} ?%\\}|[{}%#a<>]){0,12}") {
        if let Ok(names) = read(&source) {
            let engine = minijinja::Environment::empty();
            let template = engine.template_from_named_str("x", &source);
            prop_assert!(template.is_ok(), "{source}");
            let of_engine: BTreeSet<String> = template.expect("a template").undeclared_variables(false).into_iter().collect();
            prop_assert_eq!(of_engine, names);
        }
    }
}
