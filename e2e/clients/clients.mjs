// Two client libraries of others do what applications do, against the server
// that BASE and TOKEN name. Whatever goes wrong ends the process with an error.
import assert from "node:assert/strict";
import { Client } from "fhir-kit-client";
import smart from "fhirclient";

const { BASE, TOKEN } = process.env;
const tag = `${process.pid}-${Date.now()}`;
const patient = (family) => ({
  resourceType: "Patient",
  identifier: [{ system: "urn:example:clients", value: `${family}-${tag}` }],
  name: [{ family, given: ["Test"] }],
});
const observation = (subject, value) => ({
  resourceType: "Observation",
  status: "final",
  category: [{ coding: [{ system: "http://terminology.hl7.org/CodeSystem/observation-category", code: "vital-signs" }] }],
  code: { coding: [{ system: "http://loinc.org", code: "8867-4" }] },
  effectiveDateTime: "2026-03-01T08:00:00Z",
  subject: { reference: subject },
  valueQuantity: { value, unit: "/min", system: "http://unitsofmeasure.org", code: "/min" },
});

async function kit() {
  const client = new Client({ baseUrl: BASE, bearerToken: TOKEN });
  const statement = await client.capabilityStatement();
  assert.equal(statement.fhirVersion, "4.0.1");

  const made = await client.create({ resourceType: "Patient", body: patient("Kit") });
  assert.ok(made.id);
  const read = await client.read({ resourceType: "Patient", id: made.id });
  assert.equal(read.name[0].family, "Kit");
  const changed = await client.update({ resourceType: "Patient", id: made.id, body: { ...read, gender: "other" } });
  assert.equal(changed.meta.versionId, "2");
  const first = await client.vread({ resourceType: "Patient", id: made.id, version: "1" });
  assert.equal(first.gender, undefined);
  const past = await client.history({ resourceType: "Patient", id: made.id });
  assert.equal(past.entry.length, 2);

  const subject = `Patient/${made.id}`;
  const answer = await client.transaction({
    body: {
      resourceType: "Bundle",
      type: "transaction",
      entry: [60, 61, 62, 63, 64].map((value) => ({
        resource: observation(subject, value),
        request: { method: "POST", url: "Observation" },
      })),
    },
  });
  assert.equal(answer.type, "transaction-response");
  assert.ok(answer.entry.every((e) => e.response.status.startsWith("201")));

  for (const options of [{}, { postSearch: true }]) {
    const seen = new Set();
    let page = await client.search({ resourceType: "Observation", searchParams: { subject, _count: 2 }, options });
    while (page) {
      for (const e of page.entry ?? []) seen.add(e.resource.valueQuantity.value);
      page = await client.nextPage({ bundle: page });
    }
    assert.deepEqual([...seen].sort(), [60, 61, 62, 63, 64]);
  }
  const inside = await client.compartmentSearch({
    resourceType: "Observation", compartment: { resourceType: "Patient", id: made.id }, searchParams: { _summary: "count" },
  });
  assert.equal(inside.total, 5);

  const patched = await client.patch({ resourceType: "Patient", id: made.id, jsonPatch: [{ op: "replace", path: "/gender", value: "female" }] });
  assert.equal(patched.gender, "female");

  await client.delete({ resourceType: "Patient", id: made.id });
  await assert.rejects(client.read({ resourceType: "Patient", id: made.id }), (e) => e.response.status === 410);
  await assert.rejects(client.search({ resourceType: "Patient", searchParams: { bogus: 1 } }), (e) => e.response.status === 400);
}

async function launcher() {
  const client = smart({ headers: {}, url: "/" }, {}).client({ serverUrl: BASE, tokenResponse: { access_token: TOKEN, token_type: "bearer" } });
  const made = await client.create(patient("Smart"));
  assert.ok(made.id);
  const read = await client.request(`Patient/${made.id}`);
  assert.equal(read.name[0].family, "Smart");
  const changed = await client.update({ ...read, gender: "unknown" });
  assert.equal(changed.meta.versionId, "2");
  const patched = await client.patch(`Patient/${made.id}`, [{ op: "replace", path: "/gender", value: "male" }]);
  assert.equal(patched.gender, "male");
  for (const value of [70, 71, 72, 73, 74]) await client.create(observation(`Patient/${made.id}`, value));

  const found = await client.request(`Observation?subject=Patient/${made.id}&_count=2`, { pageLimit: 0, flat: true });
  assert.deepEqual(found.map((o) => o.valueQuantity.value).sort(), [70, 71, 72, 73, 74]);
  const resolved = await client.request(`Observation/${found[0].id}`, { resolveReferences: ["subject"] });
  assert.equal(resolved.subject.id, made.id);

  await client.delete(`Patient/${made.id}`);
  await assert.rejects(client.request(`Patient/${made.id}`), /410|Gone/i);
}

await kit();
console.log("fhir-kit-client ok");
await launcher();
console.log("fhirclient ok");
