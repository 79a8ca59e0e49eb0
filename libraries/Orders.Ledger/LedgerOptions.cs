using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Orders.Ledger;

/// <summary>Section <c>Ledger</c>: where it is remembered what was placed and what was sent, and for how long.</summary>
public sealed class LedgerOptions : IValidatableObject
{
    public const string Section = "Ledger";

    /// <summary>Where it is kept.</summary>
    public LedgerStore Store { get; set; } = LedgerStore.InMemory;

    /// <summary>The server for <see cref="LedgerStore.Valkey"/>.</summary>
    public ValkeyOptions Valkey { get; set; } = new();

    /// <summary>How long an entry is kept after its last change.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00", ErrorMessage = "Ledger__KeepFor must be between 01:00:00 and 365.00:00:00.")]
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(7);

    /// <summary>What becomes of an email of which nobody can say whether the mail server took it.</summary>
    public UnknownOutcome UnknownOutcome { get; set; } = UnknownOutcome.SendAgain;

    /// <summary>What is done while the store cannot be reached.</summary>
    public WhenUnreachable WhenUnreachable { get; set; } = WhenUnreachable.Wait;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        Store == LedgerStore.Valkey ? Valkey.FindMistakes().Select(mistake => new ValidationResult(mistake)) : [];
}

/// <summary>Where the ledger is kept.</summary>
public enum LedgerStore
{
    /// <summary>Nowhere: a repeated order is placed again, and a repeated message is emailed again.</summary>
    None,

    /// <summary>In this process, and only as long as it lives.</summary>
    InMemory,

    /// <summary>On a Valkey or Redis server, for all processes together.</summary>
    Valkey,
}

/// <summary>What becomes of an email whose outcome is unknown.</summary>
public enum UnknownOutcome
{
    /// <summary>It is sent again, with the same <c>Message-ID</c>.</summary>
    SendAgain,

    /// <summary>Its message is parked, for a person to decide.</summary>
    Park,
}

/// <summary>What is done while the store cannot be reached.</summary>
public enum WhenUnreachable
{
    /// <summary>Nothing is sent, and nothing is accepted, until it is back.</summary>
    Wait,

    /// <summary>Orders are accepted and emails sent as if there were no ledger.</summary>
    Ignore,
}

/// <summary>Section <c>Ledger:Valkey</c>: the Valkey or Redis server.</summary>
public sealed class ValkeyOptions
{
    private const string Section = $"{LedgerOptions.Section}__{nameof(LedgerOptions.Valkey)}";

    /// <summary>Its name or address, and its port: <c>valkey:6379</c>.</summary>
    public string? Endpoint { get; set; }

    /// <summary>A user of its access control list; by default the one that every server has.</summary>
    public string? Username { get; set; }

    public string? Password { get; set; }

    /// <summary>A file that holds <see cref="Password"/>.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>Whether the connection is encrypted. The server's certificate is checked then, by what the system trusts.</summary>
    public bool Tls { get; set; }

    /// <summary><see cref="Endpoint"/> as the client needs it.</summary>
    internal EndPoint ReadEndpoint() => Parse(Endpoint) ?? throw new InvalidOperationException($"{Section}__{nameof(Endpoint)} is no endpoint.");

    /// <summary>What keeps the server from being reached as configured, in one line each.</summary>
    internal IEnumerable<string> FindMistakes()
    {
        if (string.IsNullOrWhiteSpace(Endpoint))
        {
            yield return $"{Section}__{nameof(Endpoint)} is required when Ledger__Store is Valkey.";
        }
        else if (Parse(Endpoint) is null)
        {
            yield return $"{Section}__{nameof(Endpoint)} must be a host and a port, like valkey:6379, but is '{Endpoint}'.";
        }

        if (!string.IsNullOrEmpty(Username) && string.IsNullOrEmpty(Password))
        {
            yield return $"{Section}__{nameof(Password)} or {Section}__{nameof(PasswordFile)} is required when {Section}__{nameof(Username)} is set.";
        }
    }

    private static EndPoint? Parse(string? text)
    {
        if (!Uri.TryCreate($"valkey://{text?.Trim()}/", UriKind.Absolute, out var address)
            || address is not { Host.Length: > 0, Port: > 0, UserInfo: "", PathAndQuery: "/", Fragment: "" })
        {
            return null;
        }

        return IPAddress.TryParse(address.DnsSafeHost, out var ip) ? new IPEndPoint(ip, address.Port) : new DnsEndPoint(address.IdnHost, address.Port);
    }
}
