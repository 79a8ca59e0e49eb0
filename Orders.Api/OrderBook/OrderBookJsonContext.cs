using System.Text.Json.Serialization;

namespace Orders.Api.OrderBook;

/// <summary>Generated serialization of what is stored.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(OrderChange[]))]
[JsonSerializable(typeof(ShipmentDetails))]
internal sealed partial class OrderBookJsonContext : JsonSerializerContext;
