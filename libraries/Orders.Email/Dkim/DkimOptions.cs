using System.Text.RegularExpressions;
using Orders.ServiceDefaults.Configuration;

namespace Orders.Email.Dkim;

/// <summary>By what emails are signed (DKIM, RFC 6376): configuration section <c>Email:Dkim</c>. All three are set, or none.</summary>
public sealed partial class DkimOptions
{
    private const string Section = $"{EmailOptions.Section}__{nameof(EmailOptions.Dkim)}";

    // RFC 8301, section 3.2: signers need 1024 bits and should have 2048.
    internal const int FewestBits = 1024;
    internal const int GoodBits = 2048;

    /// <summary>The domain that signs: that of <see cref="EmailOptions.From"/>, or a parent of it.</summary>
    public string? Domain { get; set; }

    /// <summary>The name of the key within the domain: DNS has its public part at <c>{Selector}._domainkey.{Domain}</c>.</summary>
    public string? Selector { get; set; }

    /// <summary>The private key, RSA or Ed25519 (RFC 8463), in a PEM file, not encrypted. It is read again when it changes.</summary>
    public string? PrivateKeyFile { get; set; }

    /// <summary>Whether emails are signed.</summary>
    internal bool IsSet => !string.IsNullOrEmpty(PrivateKeyFile);

    /// <summary>What would fail later; each line names the environment variable.</summary>
    /// <param name="sender">The domain of the sender; <c>null</c> where it is not known.</param>
    internal IEnumerable<string> FindMistakes(string? sender)
    {
        string?[] all = [Domain, Selector, PrivateKeyFile];
        if (all.All(string.IsNullOrEmpty))
        {
            yield break;
        }

        if (all.Any(string.IsNullOrEmpty))
        {
            yield return $"{Section}__Domain, {Section}__Selector and {Section}__PrivateKeyFile must be set together or not at all.";
            yield break;
        }

        if (!Names().IsMatch(Domain!))
        {
            yield return $"{Section}__Domain must be a domain in ASCII like shop.example, but is '{Domain}'.";
        }
        else if (sender is not null && !IsSameOrBelow(sender, Domain!))
        {
            yield return $"{Section}__Domain must be {sender}, the domain of Email__From, or a parent of it, but is '{Domain}': for DMARC, the signature would be a stranger's.";
        }

        if (!Names().IsMatch(Selector!))
        {
            yield return $"{Section}__Selector must be a name like mail2026, but is '{Selector}'.";
        }

        if (Certificates.FindMistake(() => DkimKey.Read(PrivateKeyFile!)) is { } mistake)
        {
            yield return $"{Section}__PrivateKeyFile cannot be used: {mistake}";
        }

#if FLUENT_EMAIL
        yield return $"{Section}__Domain needs a program that is built without FluentEmail, which signs nothing.";
#endif
    }

    private static bool IsSameOrBelow(string name, string domain) =>
        name.Equals(domain, StringComparison.OrdinalIgnoreCase) || (domain.Contains('.', StringComparison.Ordinal) && name.EndsWith($".{domain}", StringComparison.OrdinalIgnoreCase));

    [GeneratedRegex(@"\A[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\z")]
    private static partial Regex Names();
}
