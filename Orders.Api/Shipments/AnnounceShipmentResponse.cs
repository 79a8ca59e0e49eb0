using System.ComponentModel;
using System.Text.Json.Serialization;
using Contracts;
using Orders.Api.OrderStore;

namespace Orders.Api.Shipments;

/// <summary>The answer to a shipment that was announced.</summary>
/// <param name="Message">For people.</param>
/// <param name="Shipment">The shipment as it was announced.</param>
/// <param name="Status">What became of its email, where it was announced before.</param>
public sealed record AnnounceShipmentResponse(
    string Message,
    OrderShipped Shipment,
    [property: Description("What became of its email since it was announced; left out when it is announced just now.")]
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    NotificationStatus? Status = null)
{
    /// <summary>The <see cref="Message"/>.</summary>
    internal const string Announced = "Shipment announced successfully!";

    /// <summary>The <see cref="Message"/> to who sends the same shipment again.</summary>
    internal const string AnnouncedBefore = "This shipment was announced already.";
}
