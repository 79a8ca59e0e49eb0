import { createClient as createFaultsClient } from "./generated/hey-api/faults/client";
import { getOperation, listAuditEntries, listFaults, replayFaults } from "./generated/hey-api/faults/sdk.gen";
import type { FaultOperation } from "./generated/hey-api/faults/types.gen";
import { createClient as createOrdersClient } from "./generated/hey-api/orders/client";
import { getOrder, placeOrder } from "./generated/hey-api/orders/sdk.gen";
import { endpoint, expect, faultsUrl, faultsUser, ordersUrl, poll, scenarioOf } from "./scenario";

const scenario = scenarioOf("hey-api");

async function place() {
  const client = createOrdersClient({ baseUrl: ordersUrl });
  const body = { orderId: scenario.placedOrder, email: "customer@example.com", product: "Laptop" };

  const placed = await placeOrder({ client, body });
  expect(placed.data?.order.orderId === scenario.placedOrder && placed.data.status === undefined, "the order is placed");
  const again = await placeOrder({ client, body });
  expect(["placed", "retrying", "failed"].includes(again.data?.status ?? ""), "the order was placed before");

  const { data: record } = await getOrder({ client, path: { orderId: scenario.placedOrder } });
  expect(record !== undefined && record.placedAt !== null && record.confirmedAt === null && record.attempts >= 0, "the order is known");
  expect(record.history[0]?.status === "placed", "the first change is that it was placed");

  const mistaken = await placeOrder({ client, body: { ...body, email: "customer" } });
  expect(mistaken.error?.status === 400 && "errors" in mistaken.error, "mistakes are listed");
  expect(Object.keys(mistaken.error.errors ?? {}).join() === "email", "the wrong address is named");
  const unknown = await getOrder({ client, path: { orderId: "nobody-placed-it" } });
  expect(unknown.response?.status === 404 && unknown.error?.status === 404, "an order that nobody placed is not found");
}

async function replay() {
  const client = createFaultsClient({ baseUrl: faultsUrl, auth: faultsUser });
  const path = { endpoint, queue: "error" } as const;

  const { data: page } = await listFaults({ client, path, query: { subject: scenario.failedOrder, take: 10 } });
  const fault = page?.items[0];
  expect(page?.matched === 1 && fault?.kind === "Transient" && !!fault.failedAt && !!fault.replayDue && !fault.parkedAt, "the order is in the list");
  const byIds = await listFaults({ client, path, query: { ids: ["none", fault.id] } });
  expect(byIds.data?.items[0]?.subject === scenario.failedOrder, "the order is found by its fault's id");

  const filter = { subject: scenario.failedOrder };
  const { data: counted } = await replayFaults({ client, path, body: { filter, dryRun: true } });
  expect(counted?.dryRun === true && counted.count === 1 && counted.operation === undefined, "a dry run counts");

  const { data: began } = await replayFaults({ client, path, body: { filter, atMost: counted.count, reason: scenario.reason } });
  const started = began?.operation;
  expect(began?.dryRun === false && !!started && started.request.action === "replay" && started.request.queue === "error", "an operation has begun");
  const operation: FaultOperation = await poll(
    async () => {
      const { data } = await getOperation({ client, path: { id: started.id } });
      expect(data !== undefined, "the operation is known");
      return data;
    },
    ({ state }) => state !== "running",
  );
  expect(operation.state === "done" && operation.done === 1 && !!operation.endedAt && !operation.error, "the operation is done");

  const { data: entries } = await listAuditEntries({ client, query: { operation: operation.id } });
  expect(entries?.map((entry) => entry.event).join() === "end,replay,begin", "all of it is on record");

  const mistaken = await replayFaults({ client, path, body: {} });
  expect(mistaken.error?.status === 400 && "errors" in mistaken.error, "mistakes are listed");
  expect(Object.keys(mistaken.error.errors ?? {}).join() === "all", "the missing filter is named");
  const unknown = await getOperation({ client, path: { id: "00000000" } });
  expect(unknown.response?.status === 404 && unknown.error?.status === 404, "an operation that nobody began is not found");
}

void place().then(replay);
