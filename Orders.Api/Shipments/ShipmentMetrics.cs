using System.Diagnostics.Metrics;
using Orders.Api.Publishing;

namespace Orders.Api.Shipments;

/// <summary>Counts what becomes of shipments.</summary>
public sealed class ShipmentMetrics(IMeterFactory meters) : RequestMetrics(meters, "orders.shipments", "shipment", "Shipments", "announced");
