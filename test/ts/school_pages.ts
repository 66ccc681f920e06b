// The pages of examples/school in Chromium, for TestPages of examples/school/web:
//
//	node build/school_pages.js WEB MOCKUP KEY PASSWORD
//
// walks through an outing at the address WEB: chulsu asks for it, his mother allows it by the link of
// her short message, which the fake providers at MOCKUP have (KEY is the file of the internal key), and
// his teacher allows it in the page. PASSWORD is that of the accounts.
// Each step is a line of standard output. Without arguments it ends at once, with status 1 if there is
// no Chromium.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import type { Browser, Page } from "playwright-core";

import { launch, missing } from "./chromium.js";

const timeout = 30_000;

/** Opens a page in a profile of its own. problems gets what goes wrong in it. */
async function open(browser: Browser, problems: string[]): Promise<Page> {
  const context = await browser.newContext({ locale: "ko-KR", timezoneId: "America/New_York" }); // the pages show the time of Seoul all the same
  context.setDefaultTimeout(timeout);
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) problems.push(message.text());
  });
  return page;
}

/** Signs in with the keyboard alone. */
async function signIn(page: Page, web: string, account: string, password: string): Promise<void> {
  await page.goto(`${web}/sign-in`);
  await page.keyboard.press("Tab"); // the link to the content
  assert.equal(await page.evaluate(() => document.activeElement?.className), "skip");
  await page.focus("#id");
  await page.keyboard.type(account);
  await page.keyboard.press("Tab");
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/outings/);
}

const unread = (page: Page) => page.evaluate(() => Number(document.getElementById("unread-count")?.textContent));

/** Waits until the badge shows more than a number, without a reload. */
async function awaitMore(page: Page, before: number): Promise<number> {
  await page.waitForFunction((n) => Number(document.getElementById("unread-count")?.textContent) > n && !document.getElementById("unread")?.hidden, before);
  return unread(page);
}

/** Returns the link in the short message to a phone. */
async function awaitLink(mockup: string, key: string, phone: string): Promise<string> {
  for (const end = Date.now() + timeout; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const response = await fetch(`${mockup}/bongsu.mockup.v1.MockupService/ListCalls`, { method: "POST", headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` }, body: "{}" });
    assert.equal(response.status, 200);
    const { calls } = (await response.json()) as { calls?: { path: string; body: string }[] };
    for (const call of calls ?? []) {
      const form = new URLSearchParams(call.body);
      const link = /https?:\/\/\S+\/outing-links\/\w+/.exec(form.get("Body") ?? "");
      if (call.path.endsWith("/Messages.json") && form.get("To") === phone && link) return link[0];
    }
  }
  throw new Error(`no link to ${phone}`);
}

/** Checks that pages fit a narrow screen, and follow the color scheme. */
async function checkLayout(page: Page, web: string): Promise<void> {
  await page.setViewportSize({ width: 320, height: 640 });
  for (const path of ["/outings", "/outings/new", "/timetable", "/calendar", "/announcements", "/clubs", "/recruitments", "/inbox"]) {
    await page.goto(web + path);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 320, `${path} is ${width} wide`);
  }
  const colors: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    colors.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
  }
  assert.notEqual(colors[0], colors[1]);
}

async function walk(browser: Browser, problems: string[], web: string, mockup: string, key: string, password: string): Promise<void> {
  const student = await open(browser, problems);
  await signIn(student, web, "chulsu", password);
  await student.goto(`${web}/announcements`);
  assert.equal(await student.locator(".list .unread").count(), 1);
  await student.click("text=새 학기 안내");
  await student.goto(`${web}/announcements`);
  assert.equal(await student.locator(".list .unread").count(), 0);
  console.log("the student has read the announcement");

  const inbox = await student.context().newPage(); // stays open, and follows
  await inbox.goto(`${web}/inbox`);
  let count = await unread(inbox);

  await student.goto(`${web}/outings/new`);
  await student.fill("#end_time", "23:59");
  await student.fill("#place", "<b>치과</b>");
  await student.fill("#reason", "이가 아픕니다");
  await student.click("text=신청하기");
  await student.waitForSelector("#state.requested");
  assert.equal(await student.locator("dd b").count(), 0);
  console.log("the student has asked for an outing");

  const parent = await open(browser, problems);
  await parent.goto(await awaitLink(mockup, key, "+821022220001"));
  await parent.waitForSelector("#state.requested");
  await parent.click("text=허락하기 >> nth=0");
  await parent.waitForSelector("#state.parent_approved");
  console.log("the parent has allowed it by the link");
  count = await awaitMore(inbox, count);
  await inbox.waitForSelector("#news:not([hidden])");
  console.log("the inbox of the student has updated itself");

  const teacher = await open(browser, problems);
  await signIn(teacher, web, "teacherpark", password);
  await teacher.click("text=김철수");
  await teacher.click("text=허락하기 >> nth=0");
  await teacher.waitForSelector("#state.approved");
  console.log("the teacher has allowed it in the page");
  await awaitMore(inbox, count);
  await inbox.click("text=다시 보기");
  await inbox.waitForSelector("text=외출이 승인되었습니다");
  console.log("the student sees it in the inbox");

  await student.reload();
  await student.click("text=나갑니다");
  await student.waitForSelector("#state.out");
  await teacher.reload();
  await teacher.click("text=돌아왔습니다");
  await teacher.waitForSelector("#state.returned");
  console.log("the student has left and is back");

  await checkLayout(student, web);
  await student.setViewportSize({ width: 1024, height: 768 });
  await student.click("text=나가기");
  await student.waitForURL(/\/sign-in/);
  await student.goto(`${web}/inbox`);
  await student.waitForURL(/\/sign-in\?next=/);
  console.log("the student has signed out");
}

const [web, mockup, keyFile, password] = process.argv.slice(2);
if (missing) {
  console.error(missing);
  process.exitCode = 1;
} else if (web !== undefined) {
  assert.ok(mockup && keyFile && password, "usage: school_pages.js WEB MOCKUP KEY PASSWORD");
  const key = (await readFile(keyFile, "utf8")).trim();
  const browser = await launch();
  const problems: string[] = [];
  try {
    await walk(browser, problems, web, mockup, key, password);
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
  }
}
