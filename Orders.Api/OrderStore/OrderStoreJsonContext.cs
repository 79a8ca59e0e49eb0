using System.Text.Json.Serialization;

namespace Orders.Api.OrderStore;

/// <summary>Generated serialization of what is stored.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(OrderChange[]))]
[JsonSerializable(typeof(ShipmentDetails))]
internal sealed partial class OrderStoreJsonContext : JsonSerializerContext;
