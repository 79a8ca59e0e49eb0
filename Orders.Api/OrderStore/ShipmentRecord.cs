using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Orders.Api.OrderStore;

/// <summary>What is known of a shipment and of the email about it. Tells nothing of the customer.</summary>
public sealed record ShipmentRecord : EmailRecord
{
    [SetsRequiredMembers]
    internal ShipmentRecord(StoredEntry entry)
        : base(entry)
    {
        var details = entry.Details is null ? null : JsonSerializer.Deserialize(entry.Details, OrderStoreJsonContext.Default.ShipmentDetails);
        TrackingNumber = entry.Key.Reference;
        Carrier = details?.Carrier;
        Link = details?.Link;
    }

    [Description("Tells the shipments of an order apart; null where a worker could not tell it.")]
    public required string? TrackingNumber { get; init; }

    [Description("Who brings it; null where that was not said, or the shipment came another way.")]
    public required string? Carrier { get; init; }

    [Description("Where to follow it, an https or http URL; null where that was not said, or the shipment came another way.")]
    public required string? Link { get; init; }
}
