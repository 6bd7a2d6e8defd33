//! Templates of organizations: each its own, and no version ever changes.

use prost_types::FieldMask;
use rolecall_api::notification::v1::{
    CreateTemplateRequest, DeleteTemplateRequest, GetTemplateRequest, ListTemplatesRequest, PreviewTemplateRequest,
    PreviewTemplateResponse, Template, TemplateText, TemplateVariable, UpdateTemplateRequest,
};
use rolecall_authz::Caller;
use rolecall_kernel::id::{RequestId, TemplateId};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::notifications::reason;
use crate::world::World;

fn text(locale: &str, subject: &str) -> TemplateText {
    TemplateText {
        locale: locale.to_owned(),
        subject: subject.to_owned(),
        text: "{{ spec }} was approved.{% if note %}\n\n{{ note }}{% endif %}".to_owned(),
        html: "<p><strong>{{ spec }}</strong> was approved.</p>{% if note %}<p>{{ note }}</p>{% endif %}".to_owned(),
    }
}

pub(crate) fn template(name: &str) -> Template {
    let variable = |name: &str, optional| TemplateVariable { name: name.to_owned(), optional };
    Template {
        name: name.to_owned(),
        variables: vec![variable("spec", false), variable("note", true)],
        texts: vec![text("en", "{{ spec }} was approved"), text("de", "{{ spec }} ist genehmigt")],
        ..Template::default()
    }
}

pub(crate) async fn create(world: &World, caller: Caller, template: Template) -> Result<Template, Status> {
    let request = CreateTemplateRequest { request_id: String::new(), template: Some(template) };
    let answer = world.templates(caller).create_template(request).await?;
    Ok(answer.into_inner().template.expect("a template"))
}

async fn get(world: &World, caller: Caller, template_id: &str, version: i32) -> Result<Template, Status> {
    let request = GetTemplateRequest { template_id: template_id.to_owned(), version };
    Ok(world.templates(caller).get_template(request).await?.into_inner().template.expect("a template"))
}

pub(crate) async fn update(
    world: &World,
    caller: Caller,
    template: Template,
    paths: &[&str],
) -> Result<Template, Status> {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let request = UpdateTemplateRequest {
        request_id: String::new(),
        template: Some(template),
        update_mask: Some(FieldMask { paths }),
    };
    Ok(world.templates(caller).update_template(request).await?.into_inner().template.expect("a template"))
}

pub(crate) async fn delete(world: &World, caller: Caller, template_id: &str) -> Result<(), Status> {
    let request = DeleteTemplateRequest { template_id: template_id.to_owned(), ..Default::default() };
    world.templates(caller).delete_template(request).await.map(drop)
}

pub(crate) fn data(given: &[(&str, &str)]) -> std::collections::HashMap<String, String> {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn preview(world: &World, request: PreviewTemplateRequest) -> Result<PreviewTemplateResponse, Status> {
    Ok(world.templates(world.admin()).preview_template(request).await?.into_inner())
}

on_each_database! {
    async fn what_is_published_stays_as_it_is_and_a_change_is_another_version(database) {
        let world = World::new(database).await;
        let engines = world.organization("Engines");
        let owner = world.owner(engines);
        let made = create(&world, owner.clone(), template("spec_approved")).await.expect("made");
        assert_eq!((made.version, made.name.as_str(), made.organization_id.as_str()), (1, "spec_approved", engines.to_string().as_str()));
        world.clock.advance(std::time::Duration::from_secs(1));
        let change = Template { texts: vec![text("en", "Good news on {{ spec }}")], ..made.clone() };
        let next = update(&world, owner.clone(), change.clone(), &["texts"]).await.expect("published");
        assert_eq!((next.version, next.texts.len(), &next.variables), (2, 1, &made.variables));
        let status = update(&world, owner.clone(), change, &["texts"]).await.expect_err("an older version");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "TEMPLATE_CHANGED"));
        assert_eq!(status.get_details_error_info().expect("ErrorInfo").metadata["etag"], next.etag);
        assert_eq!(get(&world, owner.clone(), &made.template_id, 0).await.expect("the latest"), next);
        let first = get(&world, owner.clone(), &made.template_id, 1).await.expect("the first");
        assert_eq!((&first.texts, first.update_time), (&made.texts, made.update_time));
        let status = get(&world, owner.clone(), &made.template_id, 3).await.expect_err("no such version");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "TEMPLATE_NOT_FOUND"));
        // Without the variable that the texts show it would be none.
        let fewer = Template { variables: Vec::new(), etag: String::new(), ..next.clone() };
        let status = update(&world, owner.clone(), fewer, &["variables"]).await.expect_err("undeclared");
        assert_eq!(reason(&status), "REQUEST_INVALID");
        delete(&world, owner.clone(), &made.template_id).await.expect("deleted");
        let status = delete(&world, owner.clone(), &made.template_id).await.expect_err("gone");
        assert_eq!(reason(&status), "TEMPLATE_NOT_FOUND");
        world.clock.advance(crate::world::DAY * 2);
        world.notification.sweep().await.expect("swept");
        assert_eq!(world.count("template_versions").await, 0, "nothing was sent with it");
        create(&world, owner, template("spec_approved")).await.expect("the name is free");
        world.notification.relay().drain().await;
        let topics = ["created", "updated", "deleted", "created"].map(|verb| format!("notification.template_{verb}"));
        let mut audited = world.doubles.know(|known| known.audited.clone());
        audited.sort();
        let mut topics = topics.to_vec();
        topics.sort();
        assert_eq!(audited, topics);
    }

    async fn a_name_is_one_template_and_a_repeat_is_the_same(database) {
        let world = World::new(database).await;
        let (engines, looms) = (world.organization("Engines"), world.organization("Looms"));
        let owner = world.owner(engines);
        let request_id = RequestId::new(world.clock.now(), &world.entropy).to_string();
        let request = CreateTemplateRequest { request_id, template: Some(template("welcome")) };
        let mut client = world.templates(owner.clone());
        let made = client.create_template(request.clone()).await.expect("made").into_inner();
        assert_eq!(client.create_template(request).await.expect("the same").into_inner(), made);
        let status = create(&world, owner, template("welcome")).await.expect_err("taken");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "TEMPLATE_NAME_TAKEN"));
        create(&world, world.owner(looms), template("welcome")).await.expect("elsewhere it is free");
    }

    /// ASVS: V8.2.2
    async fn attack_t33_a_foreign_template_is_not_there(database) {
        let world = World::new(database).await;
        let (ours, theirs) = (world.organization("Ours"), world.organization("Theirs"));
        let foreign = create(&world, world.owner(theirs), template("welcome")).await.expect("made").template_id;
        let missing = TemplateId::new(world.clock.now(), &world.entropy).to_string();
        let mut refusals = Vec::new();
        for id in [&foreign, &missing] {
            let change = Template { template_id: id.clone(), ..template("welcome") };
            let stored = PreviewTemplateRequest { template_id: id.clone(), data: data(&[("spec", "7")]), ..Default::default() };
            let refused = [
                get(&world, world.owner(ours), id, 0).await.expect_err("not there"),
                update(&world, world.owner(ours), change, &["texts"]).await.expect_err("not there"),
                delete(&world, world.owner(ours), id).await.expect_err("not there"),
                world.templates(world.owner(ours)).preview_template(stored).await.expect_err("not there"),
            ];
            assert!(refused.iter().all(|status| reason(status) == "TEMPLATE_NOT_FOUND"));
            refusals.push(refused.map(|status| (status.code(), status.message().to_owned())));
        }
        assert_eq!(refusals[0], refusals[1]);
        let into = Template { organization_id: theirs.to_string(), ..template("intruder") };
        let status = create(&world, world.owner(ours), into).await.expect_err("not there");
        assert_eq!(reason(&status), "ORGANIZATION_NOT_FOUND");
        let listed = async |caller: Caller, organization: &str| {
            let request = ListTemplatesRequest { organization_id: organization.to_owned(), ..Default::default() };
            world.templates(caller).list_templates(request).await.map(|answer| answer.into_inner().templates.len())
        };
        assert_eq!(listed(world.owner(ours), "-").await.expect("listed"), 0);
        assert_eq!(listed(world.owner(theirs), "").await.expect("listed"), 1);
        assert_eq!(listed(world.admin(), "-").await.expect("listed"), 1);
        assert_eq!(reason(&listed(world.owner(ours), &theirs.to_string()).await.expect_err("foreign")), "ORGANIZATION_NOT_FOUND");
    }

    async fn pages_hold_every_template_once_and_an_organization_has_so_many(database) {
        let world = World::new(database).await;
        let owner = world.owner(world.organization("Engines"));
        let mut names = Vec::new();
        for n in 0..100 {
            world.clock.advance(std::time::Duration::from_millis(2));
            let name = format!("t{n}");
            create(&world, owner.clone(), template(&name)).await.expect("made");
            names.push(name);
        }
        let status = create(&world, owner.clone(), template("one_more")).await.expect_err("enough");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "TEMPLATES_EXHAUSTED"));
        let (mut seen, mut request) = (Vec::new(), ListTemplatesRequest { page_size: 30, ..Default::default() });
        loop {
            let page = world.templates(owner.clone()).list_templates(request.clone()).await.expect("a page").into_inner();
            assert!(page.templates.iter().all(|one| one.texts.is_empty() && one.version == 1));
            seen.extend(page.templates.into_iter().map(|one| one.name));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, names);
    }
}

#[tokio::test]
async fn a_preview_shows_the_mail_and_what_looks_wrong() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    world.organization("Engines");
    let mut draft = template("");
    draft.variables.push(TemplateVariable { name: "unused".to_owned(), optional: true });
    let values = data(&[("spec", "Spec <7>"), ("note", "See you")]);
    let request = PreviewTemplateRequest {
        template: Some(draft),
        locale: "de-AT".to_owned(),
        data: values,
        ..Default::default()
    };
    let shown = preview(&world, request.clone()).await.expect("shown");
    assert_eq!((shown.subject.as_str(), shown.locale.as_str()), ("Spec <7> ist genehmigt", "de"));
    assert!(shown.text.contains("Spec <7> was approved.\n\nSee you"), "{}", shown.text);
    assert!(
        shown.html.contains("<p><strong>Spec &lt;7&gt;</strong> was approved.</p><p>See you</p>"),
        "{}",
        shown.html
    );
    assert!(shown.html.contains("<!doctype html>") && shown.html.ends_with("</html>\n"), "{}", shown.html);
    assert_eq!(shown.warnings, ["No text shows the variable unused."]);
    let fields = |status: Status| {
        let found = status.get_details_bad_request().expect("BadRequest").field_violations;
        found.into_iter().map(|one| (one.field, one.reason)).collect::<Vec<_>>()
    };
    let wrong = PreviewTemplateRequest { data: data(&[("other", "x")]), ..request.clone() };
    let wanted = [("data[other]", "UNDECLARED"), ("data[spec]", "REQUIRED")];
    let wanted = wanted.map(|(field, reason)| (field.to_owned(), reason.to_owned()));
    assert_eq!(fields(preview(&world, wrong).await.expect_err("wrong data")), wanted);
    let mut open = template("");
    open.texts[0].html = "{% if note %}<p>{% endif %}{{ spec }}</p>".to_owned();
    let unusable = PreviewTemplateRequest { template: Some(open), data: data(&[("spec", "7")]), ..Default::default() };
    let status = preview(&world, unusable).await.expect_err("not closed");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "TEMPLATE_UNUSABLE"));
    let both =
        PreviewTemplateRequest { template_id: "x".to_owned(), version: -1, locale: "deutsch".to_owned(), ..request };
    let told: Vec<_> =
        fields(preview(&world, both).await.expect_err("invalid")).into_iter().map(|(field, _)| field).collect();
    assert_eq!(told, ["version", "template_id", "locale"]);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_template_is_told_at_once() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    let owner = world.owner(world.organization("Engines"));
    let variable = |name: &str| TemplateVariable { name: name.to_owned(), optional: false };
    let wrong = Template {
        organization_id: "Ours".to_owned(),
        name: "Spec Approved".to_owned(),
        variables: vec![variable("spec"), variable("spec"), variable("for")],
        texts: vec![
            TemplateText {
                locale: "deutsch".to_owned(),
                subject: " ".to_owned(),
                text: "{{ spec|safe }}".to_owned(),
                html: "<script>{{ other }}</script>".to_owned(),
            },
            text("en", &"x".repeat(151)),
            text("en", "y"),
        ],
        ..Template::default()
    };
    let status = create(&world, owner.clone(), wrong).await.expect_err("invalid");
    let found = status.get_details_bad_request().expect("BadRequest").field_violations;
    let told: Vec<_> =
        found.iter().map(|one| (one.field.trim_start_matches("template."), one.reason.as_str())).collect();
    let wanted = [
        ("organization_id", "ID_INVALID"),
        ("name", "NAME_INVALID"),
        ("variables[1].name", "DUPLICATE"),
        ("variables[2].name", "NAME_INVALID"),
        ("texts[0].subject", "REQUIRED"),
        ("texts[0].text", "TEMPLATE_REFUSED"),
        ("texts[0].html", "UNDECLARED"),
        ("texts[0].html", "HTML_REFUSED"),
        ("texts[0].locale", "LOCALE_INVALID"),
        ("texts[1].subject", "TOO_LONG"),
        ("texts[1].text", "UNDECLARED"),
        ("texts[1].html", "UNDECLARED"),
        ("texts[2].text", "UNDECLARED"),
        ("texts[2].html", "UNDECLARED"),
        ("texts[2].locale", "DUPLICATE"),
    ];
    assert_eq!(told, wanted);
    let nothing = world.templates(owner.clone()).create_template(CreateTemplateRequest::default()).await;
    assert_eq!(reason(&nothing.expect_err("nothing")), "REQUEST_INVALID");
    let renamed =
        Template { template_id: TemplateId::new(world.clock.now(), &world.entropy).to_string(), ..template("x") };
    let status = update(&world, owner, renamed, &["name"]).await.expect_err("never changes");
    assert_eq!(reason(&status), "REQUEST_INVALID");
}
