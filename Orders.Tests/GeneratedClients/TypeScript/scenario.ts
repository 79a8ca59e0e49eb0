import { setTimeout } from "node:timers/promises";

/** The endpoint whose queues are asked for. */
export const endpoint = "order-confirmation";

export const ordersUrl = variable("ORDERS_URL");
export const faultsUrl = variable("FAULTS_URL");

/** Name and password of an operator, with a colon between them. */
export const faultsUser = variable("FAULTS_USER");

/** What the client of a generator is about: an order in the error queue, one that it places, and why it replays. */
export const scenarioOf = (name: string) => ({ failedOrder: `${name}-failed`, placedOrder: `${name}-placed`, reason: `replayed by ${name}` });

/** Ends the program with an error unless something is as it should be. */
export function expect(isSo: boolean, what: string): asserts isSo {
  if (!isSo) {
    throw new Error(`Not so: ${what}`);
  }
}

/** Asks every 100 ms until an answer is the wanted one, for 20 s at most. */
export async function poll<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  for (let asked = 0; asked < 200; asked++) {
    const answer = await ask();
    if (isWanted(answer)) {
      return answer;
    }
    await setTimeout(100);
  }
  throw new Error("The answer did not become the wanted one within 20 s.");
}

function variable(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set.`);
  }
  return value;
}
