// The package of gen/ts against a running Bongsu: the same story over each
// protocol that a program in TypeScript can speak.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { AlertService, DeliveryState, type GetAlertResponse } from "@bongsu/client/bongsu/alert/v1/alert_pb.js";
import { ViolationsSchema } from "@bongsu/client/buf/validate/validate_pb.js";
import { GroupService } from "@bongsu/client/bongsu/group/v1/group_pb.js";
import { DispatchService } from "@bongsu/client/bongsu/job/v1/job_pb.js";
import { UserInfo } from "@bongsu/client/userinfo_pb.js";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport as createNodeTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";

import { type Bongsu, bongsu } from "./bongsu.js";

const protocols: { name: string; open: (baseUrl: string) => Transport }[] = [
  { name: "Connect", open: (baseUrl) => createConnectTransport({ baseUrl }) },
  { name: "Connect binary, reads by GET", open: (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: true, useHttpGet: true }) },
  { name: "Connect by Node's own HTTP", open: (baseUrl) => createNodeTransport({ baseUrl, httpVersion: "1.1" }) },
  { name: "gRPC-Web", open: (baseUrl) => createGrpcWebTransport({ baseUrl }) },
  { name: "gRPC", open: (baseUrl) => createGrpcTransport({ baseUrl }) },
];

let server: Bongsu;
before(async () => {
  server = await bongsu();
});
after(() => server.stop());

// failsWith accepts the error of a call that was refused with this code.
function failsWith(code: Code, text: RegExp) {
  return (err: unknown) => {
    const refused = ConnectError.from(err);
    assert.equal(Code[refused.code], Code[code]);
    assert.match(refused.rawMessage, text);
    return true;
  };
}

for (const protocol of protocols) {
  describe(protocol.name, () => {
    // A transport of its own for each protocol; fetch and HTTP/2 sessions close by themselves.
    const open = () => protocol.open(server.url);

    test("a group is made, renamed, filled, emptied and deleted", async () => {
      const groups = createClient(GroupService, open());
      const groupName = `ts-${protocols.indexOf(protocol)}-${process.pid}`;

      const { group } = await groups.createGroup({ groupName });
      assert.ok(group && group.id > 0);
      assert.equal(group.groupName, groupName);
      await assert.rejects(groups.createGroup({ groupName }), failsWith(Code.AlreadyExists, /already exists/));

      const renamed = await groups.renameGroup({ id: group.id, groupName: groupName + "2" });
      assert.equal(renamed.group?.groupName, groupName + "2");

      const filled = await groups.addGroupUser({ id: group.id, nickName: "user3" });
      assert.deepEqual(filled.group?.userList.map((user) => user.nickName), ["user3"]);
      await groups.removeGroupUser({ id: group.id, nickName: "user3" });
      const emptied = await groups.listGroupUsers({ id: group.id });
      assert.deepEqual(emptied.group?.userList, []);

      const { groups: found } = await groups.listGroups({ groupName: groupName + "2" });
      assert.deepEqual(found.map((one) => one.id), [group.id]);
      await groups.deleteGroup({ id: group.id });
      await assert.rejects(groups.getGroup({ id: group.id }), failsWith(Code.NotFound, /not found/));
    });

    test("an error names each invalid field", async () => {
      const alerts = createClient(AlertService, open());
      await assert.rejects(alerts.sendAlert({ target: ["@user1"], details: [{ name: "" }] }), (err: unknown) => {
        const refused = ConnectError.from(err);
        assert.equal(Code[refused.code], Code[Code.InvalidArgument]);
        const fields = refused.findDetails(ViolationsSchema).flatMap(({ violations }) =>
          violations.map(({ field }) => field?.elements.map((element) => element.fieldName).join(".")),
        );
        assert.deepEqual(fields.filter((field) => field === "message" || field === "details.name"), ["message", "details.name"]);
        assert.ok(refused.details.some((detail) => "type" in detail && detail.type === "google.rpc.ErrorInfo"));
        return true;
      });
    });

    test("an alert reaches the three people it names", async () => {
      const alerts = createClient(AlertService, open());
      const sent = await alerts.sendAlert({ target: ["@user1", "@@test-team2", "@nobody"], message: `node1 down, says ${protocol.name}` });
      assert.equal(sent.userCount, 3);
      assert.deepEqual(sent.unknownTarget, ["@nobody"]);

      const { alert, deliveries } = await ended(() => alerts.getAlert({ id: sent.id }));
      assert.equal(alert?.severity, "normal");
      assert.deepEqual(
        deliveries.map((one) => [one.nickName, one.destination, DeliveryState[one.state], one.attempts.length]),
        [
          ["user1", "USER1_CHANNEL_ID", "SENT", 1],
          ["user2", "USER2_CHANNEL_ID", "SENT", 1],
          ["user7", "USER7_CHANNEL_ID", "SENT", 1],
        ],
      );
      for (const one of deliveries) {
        assert.equal(one.attempts[0]?.outcome?.providerStatus, 200);
        assert.notEqual(one.attempts[0]?.outcome?.providerMessageId, "");
      }
    });

    test("a target of another form is refused, and named", async () => {
      const alerts = createClient(AlertService, open());
      await assert.rejects(alerts.sendAlert({ target: ["@user1", "user2"], message: "x" }), failsWith(Code.InvalidArgument, /user2/));
      await assert.rejects(alerts.sendAlert({ target: [], message: "x" }), failsWith(Code.InvalidArgument, /target/));
    });

    test("what is internal is not behind the edge", async () => {
      await assert.rejects(createClient(UserInfo, open()).getUserList({ name: ["@user1"] }), failsWith(Code.Unimplemented, /./));
      await assert.rejects(createClient(DispatchService, open()).claim({}), failsWith(Code.Unimplemented, /./));
    });
  });
}

// ended asks until every delivery has ended. The work is done in another process,
// so there is nothing to wait on but the answer.
async function ended(get: () => Promise<GetAlertResponse>): Promise<GetAlertResponse> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await get();
    if (answer.deliveries.every((one) => one.state >= DeliveryState.SENT)) return answer;
    assert.ok(Date.now() < deadline, "deliveries had not ended after 30 s");
    await wait(50);
  }
}
