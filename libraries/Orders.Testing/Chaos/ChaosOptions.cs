using Orders.Testing.Brokers;

namespace Orders.Testing.Chaos;

/// <summary>A run of chaos, which another run with the same options repeats.</summary>
/// <param name="Seed">Decides what is broken when.</param>
/// <param name="Duration">How long orders are placed and things are broken; what is left of the orders is waited for after that.</param>
/// <param name="Broker">Where the broker comes from.</param>
/// <param name="OrdersPerSecond">How many orders are placed.</param>
internal sealed record ChaosOptions(int Seed, TimeSpan Duration, BrokerKind Broker, int OrdersPerSecond = 20);
