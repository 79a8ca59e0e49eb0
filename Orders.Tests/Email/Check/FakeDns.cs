using Orders.Email.Check;

namespace Orders.Tests.Email.Check;

/// <summary>DNS as a test has it; every name that it does not know has nothing.</summary>
internal sealed class FakeDns : IDnsLookup
{
    /// <summary>One that has all that shop.example needs.</summary>
    public static FakeDns Good => new()
    {
        Texts =
        {
            ["shop.example"] = ["other=1", "v=spf1 include:_spf.provider.example -all"],
            ["_dmarc.shop.example"] = ["v=DMARC1; p=reject; rua=mailto:dmarc@shop.example"],
        },
        MailServers = { ["shop.example"] = ["mx1.shop.example", "mx2.shop.example"] },
    };

    public Dictionary<string, string[]> Texts { get; } = [];

    public Dictionary<string, string[]> MailServers { get; } = [];

    public HashSet<string> WithAddress { get; } = [];

    /// <summary>Whether nobody answers.</summary>
    public bool IsDown { get; set; }

    public Task<IReadOnlyList<string>> FindTextsAsync(string name, CancellationToken cancellationToken) => Find(Texts, name);

    public Task<IReadOnlyList<string>> FindMailServersAsync(string domain, CancellationToken cancellationToken) => Find(MailServers, domain);

    public Task<bool> HasAddressAsync(string name, CancellationToken cancellationToken) => Task.FromResult(WithAddress.Contains(name));

    private Task<IReadOnlyList<string>> Find(Dictionary<string, string[]> records, string name) => IsDown
        ? throw new DnsUnavailableException($"DNS does not answer a question about {name}: Query timed out.")
        : Task.FromResult<IReadOnlyList<string>>(records.GetValueOrDefault(name) ?? []);
}
