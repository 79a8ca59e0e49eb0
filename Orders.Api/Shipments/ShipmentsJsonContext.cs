using System.Text.Json.Serialization;

namespace Orders.Api.Shipments;

/// <summary>Generated serialization of shipments.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(AnnounceShipmentRequest))]
[JsonSerializable(typeof(AnnounceShipmentResponse))]
internal sealed partial class ShipmentsJsonContext : JsonSerializerContext;
