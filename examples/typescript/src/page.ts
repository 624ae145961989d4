// Uses the generated models: what the service sends is checked before the page shows it.
import { Order } from "../generated/src/models.ts";

export function rows(value: unknown): string[] {
  if (!Array.isArray(value)) throw new TypeError("the answer is not a list");
  return value.map((item) => Order.parse(item)).map((order) => `${order.id} ${order.state}`);
}
