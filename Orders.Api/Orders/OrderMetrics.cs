using System.Diagnostics.Metrics;
using Orders.Api.Publishing;

namespace Orders.Api.Orders;

/// <summary>Counts what becomes of orders.</summary>
public sealed class OrderMetrics(IMeterFactory meters) : RequestMetrics(meters, "orders", "order", "Orders", "placed");
