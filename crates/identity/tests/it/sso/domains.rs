//! Domains: proven by DNS, by one organization, and only as long as the record is there.

use std::time::Duration;

use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::Code;

use super::{Stage, ada, claim, prove, verify};
use crate::harness::{bearer, reason, request_id};

on_each_database! {
    async fn a_domain_is_proven_by_its_record_alone(database) {
        let stage = Stage::set(&database).await;
        let domain = claim(&stage.world, &stage.owner, "B\u{fc}cher.example").await.expect("claimed");
        assert_eq!(domain.name, "xn--bcher-kva.example");
        assert_eq!(domain.record_name, "_rolecall-challenge.xn--bcher-kva.example");
        let refused = verify(&stage.world, &stage.owner, &domain).await.expect_err("no record");
        assert_eq!((reason(&refused).as_str(), refused.code()), ("DOMAIN_NOT_PROVEN", Code::FailedPrecondition));
        stage.dns.set_texts(&domain.record_name, &["rolecall-domain-verification=guessed"]);
        verify(&stage.world, &stage.owner, &domain).await.expect_err("another text");
        stage.dns.set_texts(&domain.record_name, &[&domain.record_value]);
        assert!(verify(&stage.world, &stage.owner, &domain).await.expect("proven").verify_time.is_some());
        let twice = claim(&stage.world, &stage.owner, "xn--bcher-kva.example").await.expect_err("twice");
        assert_eq!(reason(&twice), "DOMAIN_TAKEN");
    }

    async fn a_proven_domain_belongs_to_one_organization(database) {
        let stage = Stage::set(&database).await;
        let (_, other) = stage.world.second_organization("charles@difference.example").await;
        stage.world.access.invalidate_all();
        let domain = claim(&stage.world, &other.access_token, "acme.example").await.expect("a claim is no proof");
        stage.dns.set_texts(&domain.record_name, &[&domain.record_value]);
        let refused = verify(&stage.world, &other.access_token, &domain).await.expect_err("taken");
        assert_eq!(reason(&refused), "DOMAIN_TAKEN");
        let list = bearer(&other.access_token, ListDomainsRequest::default());
        let listed = stage.world.providers().list_domains(list).await.expect("listed").into_inner().domains;
        assert_eq!(listed.len(), 1, "nothing of the other organization");
        let foreign = DeleteDomainRequest { domain_id: listed[0].domain_id.clone(), ..Default::default() };
        stage.world.providers().delete_domain(bearer(&stage.owner, foreign)).await.expect("ADMIN may anywhere");
    }

    async fn a_domain_whose_record_is_gone_loses_its_proof_after_three_days(database) {
        let stage = Stage::set(&database).await;
        stage.log_in(ada()).await.expect("logged in");
        stage.dns.set_texts("_rolecall-challenge.acme.example", &[]);
        stage.world.clock.advance(Duration::from_hours(25));
        assert_eq!(stage.world.identity.recheck_domains().await, 0, "name servers fail too");
        stage.world.clock.advance(Duration::from_hours(48));
        assert_eq!(stage.world.identity.recheck_domains().await, 1);
        let provider = begin_sso_login_request::Provider::Email("ada@acme.example".to_owned());
        let refused = stage.try_begin(provider).await.expect_err("nowhere to go");
        assert_eq!((reason(&refused).as_str(), refused.code()), ("IDENTITY_PROVIDER_NOT_FOUND", Code::NotFound));
    }

    async fn a_domain_that_was_given_up_leads_nowhere(database) {
        let stage = Stage::set(&database).await;
        let domain = prove(&stage.world, &stage.dns, &stage.owner, "gone.example").await;
        let request = DeleteDomainRequest { request_id: request_id(&stage.world.clock), domain_id: domain.domain_id };
        for _ in 0..2 {
            let answer = stage.world.providers().delete_domain(bearer(&stage.owner, request.clone())).await;
            answer.expect("deleted, and the same again");
        }
        let again = DeleteDomainRequest { request_id: String::new(), ..request };
        let refused = stage.world.providers().delete_domain(bearer(&stage.owner, again)).await.expect_err("gone");
        assert_eq!(reason(&refused), "DOMAIN_NOT_FOUND");
    }
}
