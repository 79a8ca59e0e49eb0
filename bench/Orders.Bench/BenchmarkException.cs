namespace Orders.Bench;

/// <summary>A figure could not be measured; the message says why, in one line for people.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);
