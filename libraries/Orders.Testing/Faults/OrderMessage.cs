using Orders.FaultQueues;

namespace Orders.Testing.Faults;

/// <summary>What a message that failed says of an order.</summary>
internal static class OrderMessage
{
    private static readonly JsonPath IdPath = JsonPath.Parse("$.orderId");

    extension(FaultMessage message)
    {
        public string? OrderId => message.Read(IdPath);
    }
}
