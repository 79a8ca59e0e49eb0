import createClient from "openapi-fetch";
import type { components, paths as FaultsPaths } from "./generated/openapi-typescript/faults";
import type { paths as OrdersPaths } from "./generated/openapi-typescript/orders";
import { endpoint, expect, faultsUrl, faultsUser, ordersUrl, poll, scenarioOf } from "./scenario";

type Operation = components["schemas"]["FaultOperation"];

const scenario = scenarioOf("openapi-typescript");

async function place() {
  const orders = createClient<OrdersPaths>({ baseUrl: ordersUrl });
  const body = { orderId: scenario.placedOrder, email: "customer@example.com", product: "Laptop" };

  const placed = await orders.POST("/orders", { body });
  expect(placed.data?.order.orderId === scenario.placedOrder && placed.data.status === undefined, "the order is placed");
  const again = await orders.POST("/orders", { body });
  expect(["placed", "retrying", "failed"].includes(again.data?.status ?? ""), "the order was placed before");

  const { data: record } = await orders.GET("/orders/{orderId}", { params: { path: { orderId: scenario.placedOrder } } });
  expect(record !== undefined && record.placedAt !== null && record.confirmedAt === null && record.attempts >= 0, "the order is known");
  expect(record.history[0]?.status === "placed", "the first change is that it was placed");

  const mistaken = await orders.POST("/orders", { body: { ...body, email: "customer" } });
  expect(mistaken.error?.status === 400 && "errors" in mistaken.error, "mistakes are listed");
  expect(Object.keys(mistaken.error.errors ?? {}).join() === "email", "the wrong address is named");
  const unknown = await orders.GET("/orders/{orderId}", { params: { path: { orderId: "nobody-placed-it" } } });
  expect(unknown.response.status === 404 && unknown.error?.status === 404, "an order that nobody placed is not found");
}

async function replay() {
  const faults = createClient<FaultsPaths>({
    baseUrl: faultsUrl,
    headers: { Authorization: `Basic ${Buffer.from(faultsUser).toString("base64")}` },
  });
  const path = { endpoint, queue: "error" } as const;

  const { data: page } = await faults.GET("/faults/api/{endpoint}/{queue}", { params: { path, query: { subject: scenario.failedOrder, take: 10 } } });
  const fault = page?.items[0];
  expect(page?.matched === 1 && fault?.kind === "Transient" && !!fault.failedAt && !!fault.replayDue && !fault.parkedAt, "the order is in the list");
  // As the document says it: without the option, the ids would be repeated, which the API takes as well.
  const querySerializer = { array: { style: "form", explode: false } } as const;
  const byIds = await faults.GET("/faults/api/{endpoint}/{queue}", { params: { path, query: { ids: ["none", fault.id] } }, querySerializer });
  expect(byIds.data?.items[0]?.subject === scenario.failedOrder, "the order is found by its fault's id");

  const filter = { subject: scenario.failedOrder };
  const { data: counted } = await faults.POST("/faults/api/{endpoint}/{queue}/replay", { params: { path }, body: { filter, dryRun: true } });
  expect(counted?.dryRun === true && counted.count === 1 && counted.operation === undefined, "a dry run counts");

  const { data: began } = await faults.POST("/faults/api/{endpoint}/{queue}/replay", {
    params: { path },
    body: { filter, atMost: counted.count, reason: scenario.reason },
  });
  const started = began?.operation;
  expect(began?.dryRun === false && !!started && started.request.action === "replay" && started.request.queue === "error", "an operation has begun");
  const operation: Operation = await poll(
    async () => {
      const { data } = await faults.GET("/faults/api/operations/{id}", { params: { path: { id: started.id } } });
      expect(data !== undefined, "the operation is known");
      return data;
    },
    ({ state }) => state !== "running",
  );
  expect(operation.state === "done" && operation.done === 1 && !!operation.endedAt && !operation.error, "the operation is done");

  const { data: entries } = await faults.GET("/faults/api/audit", { params: { query: { operation: operation.id } } });
  expect(entries?.map((entry) => entry.event).join() === "end,replay,begin", "all of it is on record");

  const mistaken = await faults.POST("/faults/api/{endpoint}/{queue}/replay", { params: { path }, body: {} });
  expect(mistaken.error?.status === 400 && "errors" in mistaken.error, "mistakes are listed");
  expect(Object.keys(mistaken.error.errors ?? {}).join() === "all", "the missing filter is named");
  const unknown = await faults.GET("/faults/api/operations/{id}", { params: { path: { id: "00000000" } } });
  expect(unknown.response.status === 404 && unknown.error?.status === 404, "an operation that nobody began is not found");
}

void place().then(replay);
