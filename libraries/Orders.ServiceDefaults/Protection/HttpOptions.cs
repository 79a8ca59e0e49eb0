using System.ComponentModel.DataAnnotations;

namespace Orders.ServiceDefaults.Protection;

/// <summary>Section <c>Http</c>: how much of the program, and of its time, those who connect to it can take.</summary>
public sealed class HttpOptions
{
    public const string Section = "Http";

    /// <summary>How many connections are open at the same time; further ones are closed at once.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Http__MaxConnections must be between 1 and 1000000.")]
    public int MaxConnections { get; set; } = 2_000;

    /// <summary>The most time from the first byte of a request to the end of its headers; then its connection is closed.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00", ErrorMessage = "Http__HeadersTimeout must be between 00:00:00.100 and 00:10:00.")]
    public TimeSpan HeadersTimeout { get; set; } = TimeSpan.FromSeconds(10);
}
