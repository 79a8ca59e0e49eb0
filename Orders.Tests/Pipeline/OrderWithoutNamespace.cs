#pragma warning disable CA1050 // That it has no namespace is what it is for.

/// <summary>A message as nobody should write it.</summary>
public sealed record OrderWithoutNamespace(string OrderId, string Email);
