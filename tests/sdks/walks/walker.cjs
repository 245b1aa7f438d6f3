// What every walk in Node can use: where the simulators are, the payer's acts, what was heard.
"use strict";

const given = JSON.parse(process.env.WALK);
const url = given.url;

async function post(path, wish) {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(wish),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** The payer, or the gateway, does something; its notices are sent before this returns. */
const act = (gateway, reference, name, more = {}) =>
  post("/act", { gateway, reference, act: name, ...more });

/** Every notice of a gateway that has this text in it: its headers, its body, its query. */
const heard = (gateway, about) => post("/heard", { gateway, about });

/** The payer's browser posts a form, or follows an address; the answer is where it is sent. */
async function browse(address, fields) {
  const form = fields && { method: "POST", body: new URLSearchParams(fields) };
  const answer = await fetch(address, { redirect: "manual", ...form });
  return { status: answer.status, location: answer.headers.get("location") };
}

/** What an SDK says of a call that must fail. */
async function refused(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error("the call was answered, and should have been refused");
}

/** Run a walk; whatever goes wrong in it is the process's failure. */
function walk(main) {
  main().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { act, browse, given, heard, keys: given.keys, refused, url, walk };
