using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;

namespace Orders.Api.Orders;

/// <summary>Generated serialization of everything that this API takes and answers.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(PlaceOrderRequest))]
[JsonSerializable(typeof(PlaceOrderResponse))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(HttpValidationProblemDetails))]
[JsonSerializable(typeof(string))]
internal sealed partial class OrdersJsonContext : JsonSerializerContext;
