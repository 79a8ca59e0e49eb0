using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;
using Orders.Api.OrderStore;

namespace Orders.Api.Orders;

/// <summary>Generated serialization of everything that this API takes and answers.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PlaceOrderRequest))]
[JsonSerializable(typeof(PlaceOrderResponse))]
[JsonSerializable(typeof(OrderRecord))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(HttpValidationProblemDetails))]
[JsonSerializable(typeof(string))]
internal sealed partial class OrdersJsonContext : JsonSerializerContext;
