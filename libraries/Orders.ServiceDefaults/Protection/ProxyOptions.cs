using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Orders.ServiceDefaults.Protection;

/// <summary>
/// Section <c>ForwardedHeaders</c>: the reverse proxies that are believed when they say whose request they pass on. What
/// anybody else says in <c>X-Forwarded-For</c> counts for nothing.
/// </summary>
public sealed class ProxyOptions : IValidatableObject
{
    public const string Section = "ForwardedHeaders";

    /// <summary>Addresses of proxies.</summary>
    public IList<string> KnownProxies { get; } = [];

    /// <summary>Networks in which there is nobody but proxies, such as <c>10.1.0.0/16</c>.</summary>
    public IList<string> KnownNetworks { get; } = [];

    /// <summary>Whether anybody is believed.</summary>
    internal bool Any => KnownProxies.Count + KnownNetworks.Count > 0;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
    [
        .. MistakesIn(KnownProxies, nameof(KnownProxies), text => IPAddress.TryParse(text, out _), "an IP address"),
        .. MistakesIn(KnownNetworks, nameof(KnownNetworks), text => IPNetwork.TryParse(text, out _), "a network like 10.1.0.0/16"),
    ];

    private static IEnumerable<ValidationResult> MistakesIn(IList<string> values, string list, Predicate<string> isRight, string what) =>
        values.Select((value, index) => (value, index))
            .Where(entry => !isRight(entry.value))
            .Select(entry => new ValidationResult($"{Section}__{list}__{entry.index} must be {what}, but is '{entry.value}'."));
}
