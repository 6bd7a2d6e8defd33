// The main job through the TypeScript client, against a real server: the end-to-end tests in tests/ start one in every
// layout and run it.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { AccountService } from "../src/gen/rolecall/identity/v1/account_service_pb.js";
import { InstanceService, MfaPolicy } from "../src/gen/rolecall/identity/v1/instance_service_pb.js";
import { RegistrationService } from "../src/gen/rolecall/identity/v1/registration_service_pb.js";
import { ServiceAccountService } from "../src/gen/rolecall/identity/v1/service_account_service_pb.js";
import { UserService } from "../src/gen/rolecall/identity/v1/user_service_pb.js";
import { AccessReason, AccessService } from "../src/gen/rolecall/organization/v1/access_service_pb.js";
import { AuditService } from "../src/gen/rolecall/organization/v1/audit_service_pb.js";
import { MemberService } from "../src/gen/rolecall/organization/v1/member_service_pb.js";
import { MfaPolicy as OrganizationMfaPolicy } from "../src/gen/rolecall/organization/v1/organization_pb.js";
import { OrganizationService } from "../src/gen/rolecall/organization/v1/organization_service_pb.js";
import { ApiKey, connect, reasonOf, Session, violationsOf, type Connection } from "../src/index.js";

const PASSWORD = "dusty otter keeps 7 lanterns";

function setting(name: string): string {
  const value = process.env[`ROLECALL_${name}`];
  assert.ok(value, `set ROLECALL_${name}, as the end-to-end tests in tests/ do`);
  return value;
}

const addresses = { identity: setting("IDENTITY"), organization: setting("ORGANIZATION") };
const anonymous = connect(addresses.identity);

/** Both services as one person sees them. */
interface Person {
  readonly session: Session;
  readonly identity: Connection;
  readonly organization: Connection;
}

async function logIn(email: string): Promise<Person> {
  const session = await Session.logIn(anonymous, email, PASSWORD);
  const options = { tokens: session };
  return {
    session,
    identity: connect(addresses.identity, options),
    organization: connect(addresses.organization, options),
  };
}

/** Waits for the mail to an address and returns the invitation code in it. */
async function codeFor(email: string): Promise<string> {
  const folder = setting("MAIL_FOLDER");
  for (let tries = 0; tries < 300; tries += 1) {
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".eml"));
    for (const name of names) {
      // Undoes the soft line breaks and escapes of quoted-printable, as far as a code can contain them.
      const mail = (await readFile(join(folder, name), "utf8")).replaceAll(/=\r?\n/g, "").replaceAll("=5F", "_");
      const code = /rci_[A-Za-z0-9_-]{43}/.exec(mail)?.[0];
      if (mail.includes(email) && code !== undefined) {
        return code;
      }
    }
    await sleep(100);
  }
  return assert.fail(`no invitation for ${email} arrived in ${folder}`);
}

async function accept(email: string): Promise<void> {
  const registration = anonymous.client(RegistrationService);
  const code = await codeFor(email);
  const invitation = await registration.getInvitation({ code });
  assert.equal(invitation.email, email);
  await registration.acceptInvitation({ code, password: PASSWORD, passwordConfirmation: PASSWORD });
}

async function refused(promise: Promise<unknown>, reason: string | RegExp): Promise<unknown> {
  return promise.then(
    () => assert.fail(`not refused with ${reason}`),
    (error: unknown) => {
      const matches = typeof reason === "string" ? reasonOf(error) === reason : reason.test(reasonOf(error) ?? "");
      assert.ok(matches, `${String(error)} is not refused with ${reason}`);
      return error;
    },
  );
}

/** Repeats until it holds: another process obeys a change within seconds. */
async function soon(check: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await check();
      return;
    } catch (error) {
      if (tries === 50) {
        throw error;
      }
      await sleep(100);
    }
  }
}

after(() => setTimeout(() => process.exit(), 100).unref());

test("the journey runs through the TypeScript client", async () => {
  const names = { givenName: "Ada", familyName: "Admin" };
  const mfaPolicy = MfaPolicy.OPTIONAL;
  const bootstrap = { organizationName: "Home", email: "ada@home.example", password: PASSWORD, mfaPolicy, ...names };
  const secret = setting("SETUP_SECRET");
  const wrong = anonymous.client(InstanceService).bootstrap({ ...bootstrap, setupSecret: `rcs_${"A".repeat(43)}` });
  await refused(wrong, "identity.rolecall/SETUP_SECRET_REFUSED");
  await anonymous.client(InstanceService).bootstrap({ ...bootstrap, setupSecret: secret });
  const admin = await logIn("ada@home.example");
  assert.deepEqual((await admin.identity.client(AccountService).getAccount({})).user?.roles, ["ADMIN", "OWNER"]);

  const firstOwner = { email: "olga@lab.example", givenName: "Olga", familyName: "Owner" };
  const lab = { name: "Lab", firstOwner, mfaPolicy: OrganizationMfaPolicy.OPTIONAL };
  await admin.organization.client(OrganizationService).createOrganization(lab);
  await accept("olga@lab.example");
  const owner = await logIn("olga@lab.example");

  const users = owner.identity.client(UserService);
  const invalid = await refused(users.createUser({ email: "nobody" }), "identity.rolecall/REQUEST_INVALID");
  assert.ok(violationsOf(invalid).length > 1, "all violations come at once");
  const request = { email: "pat@lab.example", givenName: "Pat", familyName: "Person" };
  const { user } = await users.createUser({ ...request, roles: ["DATA_SCIENTIST", "DATA_STEWARD"] });
  await refused(users.createUser({ ...request, roles: ["GUEST"] }), "identity.rolecall/EMAIL_TAKEN");
  await accept("pat@lab.example");
  const person = await logIn("pat@lab.example");
  const userId = user?.userId ?? assert.fail("no user");

  const denied = person.identity.client(UserService).listUsers({});
  await refused(denied, "authz.rolecall/PERMISSION_MISSING");
  const accounts = admin.identity.client(ServiceAccountService);
  const wanted = { organizationId: "-", name: "Data platform", permissions: ["organization.access.check"] };
  const { serviceAccount } = await accounts.createServiceAccount(wanted);
  const { secret: key } = await accounts.createApiKey({ serviceAccountId: serviceAccount?.serviceAccountId ?? "" });
  const backend = connect(addresses.organization, { tokens: new ApiKey(anonymous, key) }).client(AccessService);
  const resource = { resource: { case: "organizationId", value: user?.organizationId ?? "" } } as const;
  const answer = await backend.checkAccess({ subjectId: userId, permission: "organization.datasets.register", resource });
  assert.deepEqual([answer.allowed, answer.reason], [true, AccessReason.ROLE_HOLDS_PERMISSION]);

  const members = owner.organization.client(MemberService);
  await members.updateMemberRoles({ userId, roles: ["GUEST"] });
  const mine = await person.organization.client(AccessService).getMyAccess({});
  assert.deepEqual(mine.roles, ["GUEST"]);

  await members.blockMember({ userId, reason: "Left" });
  // The sessions of a blocked person end a moment later.
  const blocked = /^authz.rolecall\/(SUBJECT_INACTIVE|SESSION_ENDED)$/;
  await soon(() => refused(person.identity.client(AccountService).getAccount({}), blocked));
  await soon(() => refused(logIn("pat@lab.example"), "identity.rolecall/CREDENTIALS_REFUSED"));
  await members.unblockMember({ userId });
  await soon(() => logIn("pat@lab.example"));

  await soon(async () => {
    const { auditEvents } = await owner.organization.client(AuditService).listAuditEvents({ pageSize: 1000 });
    const topics = new Set(auditEvents.map((event) => event.topic));
    assert.ok(topics.has("organization.member_blocked") && topics.has("organization.member_unblocked"), [...topics].join());
  });
});
