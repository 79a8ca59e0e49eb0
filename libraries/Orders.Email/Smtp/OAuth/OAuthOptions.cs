using Orders.ServiceDefaults.Configuration;

namespace Orders.Email.Smtp.OAuth;

/// <summary>
/// How we log in to the mail server with an OAuth 2.0 access token (RFC 6749) instead of a password: configuration section
/// <c>Email:Smtp:OAuth</c>. The token comes from <see cref="TokenEndpoint"/> by a <see cref="Grant"/>, or from a <see cref="TokenFile"/>.
/// </summary>
public sealed class OAuthOptions
{
    /// <summary>The section as its environment variables begin.</summary>
    internal const string Section = $"{EmailOptions.Section}__{nameof(EmailOptions.Smtp)}__{nameof(SmtpOptions.OAuth)}";

    /// <summary>What we show to get a token.</summary>
    public OAuthGrant? Grant { get; set; }

    /// <summary>
    /// The address that gives tokens (RFC 6749, section 3.2). Its scheme is https; http does on this machine only. For
    /// <see cref="OAuthGrant.ServiceAccount"/> it is by default the <c>token_uri</c> of the key.
    /// </summary>
    public string? TokenEndpoint { get; set; }

    /// <summary>The name by which the token endpoint knows us (RFC 6749, section 2.2).</summary>
    public string? ClientId { get; set; }

    /// <summary>The password of <see cref="ClientId"/>. A client without one is public (RFC 6749, section 2.1).</summary>
    public string? ClientSecret { get; set; }

    /// <summary>A file that holds <see cref="ClientSecret"/>. It is read again for each token.</summary>
    public string? ClientSecretFile { get; set; }

    /// <summary>What the token is for (RFC 6749, section 3.3): words with a space between them.</summary>
    public string? Scope { get; set; }

    /// <summary>What a person's consent has given us (RFC 6749, section 1.5).</summary>
    public string? RefreshToken { get; set; }

    /// <summary>A file that holds <see cref="RefreshToken"/>. It is read again for each token, and never written.</summary>
    public string? RefreshTokenFile { get; set; }

    /// <summary>Google's JSON key of a service account. It is read again for each token.</summary>
    public string? ServiceAccountFile { get; set; }

    /// <summary>A file with an access token that another program renews. It is read again for each connection.</summary>
    public string? TokenFile { get; set; }

    /// <summary>The account that sends: the user of the login.</summary>
    public string? Mailbox { get; set; }

    /// <summary>Whether anything is set.</summary>
    internal bool IsSet => Grant is not null || Texts.Any(text => !string.IsNullOrEmpty(text.Value));

    private (string Name, string? Value)[] Texts =>
    [
        (nameof(TokenEndpoint), TokenEndpoint),
        (nameof(ClientId), ClientId),
        (nameof(ClientSecret), ClientSecret),
        (nameof(Scope), Scope),
        (nameof(RefreshToken), RefreshToken),
        (nameof(ServiceAccountFile), ServiceAccountFile),
        (nameof(TokenFile), TokenFile),
        (nameof(Mailbox), Mailbox),
    ];

    /// <summary>What would fail later; each line names the environment variable.</summary>
    internal IEnumerable<string> FindMistakes() => IsSet
        ? [.. FindMistakesOfSource(), .. FindMistakesOfMailbox(), .. FindMistakesOfEndpoint(), .. FindMistakesOfFiles()]
        : [];

    /// <summary>Reads an address that may get secrets.</summary>
    /// <returns><c>null</c> where it may not.</returns>
    internal static Uri? ParseEndpoint(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address)
        && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
            ? address
            : null;

    private IEnumerable<string> FindMistakesOfSource()
    {
        if (Grant is null && string.IsNullOrEmpty(TokenFile))
        {
            return [$"{Section}__{nameof(Grant)} or {Section}__{nameof(TokenFile)} is required when {Section} is used."];
        }

        if (Grant is not null && !string.IsNullOrEmpty(TokenFile))
        {
            return [$"{Section}__{nameof(Grant)} and {Section}__{nameof(TokenFile)} must not both be set."];
        }

        // Of a token that another program gets, that program knows the rest.
        var (source, required, optional) = Grant switch
        {
            OAuthGrant.ClientCredentials => ($"{Section}__{nameof(Grant)} is {Grant}", new[] { nameof(TokenEndpoint), nameof(ClientId), nameof(ClientSecret) }, new[] { nameof(Scope) }),
            OAuthGrant.RefreshToken => ($"{Section}__{nameof(Grant)} is {Grant}", [nameof(TokenEndpoint), nameof(ClientId), nameof(RefreshToken)], [nameof(ClientSecret), nameof(Scope)]),
            OAuthGrant.ServiceAccount => ($"{Section}__{nameof(Grant)} is {Grant}", [nameof(ServiceAccountFile), nameof(Scope)], [nameof(TokenEndpoint)]),
            _ => ($"{Section}__{nameof(TokenFile)} is set", new[] { nameof(TokenFile) }, Array.Empty<string>()),
        };
        var missing = from text in Texts
                      where required.Contains(text.Name) && string.IsNullOrWhiteSpace(text.Value)
                      select $"{Section}__{text.Name}{OrItsFile(text.Name)} is required when {source}.";
        var unused = from text in Texts
                     where text.Name != nameof(Mailbox) && !required.Contains(text.Name) && !optional.Contains(text.Name) && !string.IsNullOrEmpty(text.Value)
                     select $"{Section}__{text.Name}{OrItsFile(text.Name)} is of no use when {source}.";
        return missing.Concat(unused);
    }

    private IEnumerable<string> FindMistakesOfMailbox()
    {
        if (string.IsNullOrEmpty(Mailbox))
        {
            yield return $"{Section}__{nameof(Mailbox)} is required when {Section} is used.";
        }

        // RFC 5801, section 4 would have ',' and '=' encoded, and MailKit does not.
        else if (Mailbox.Any(c => c is <= ' ' or > '~' or ',' or '='))
        {
            yield return $"{Section}__{nameof(Mailbox)} must be one account like orders@shop.example, but is '{Mailbox}'.";
        }
    }

    private IEnumerable<string> FindMistakesOfEndpoint()
    {
        if (!string.IsNullOrEmpty(TokenEndpoint) && ParseEndpoint(TokenEndpoint) is null)
        {
            yield return $"{Section}__{nameof(TokenEndpoint)} must be an address that begins with https://, or with http:// on this machine.";
        }
    }

    private IEnumerable<string> FindMistakesOfFiles()
    {
        if (!string.IsNullOrEmpty(TokenFile) && Certificates.FindMistake(() => AccessTokens.ReadFile(TokenFile)) is { } token)
        {
            yield return $"{Section}__{nameof(TokenFile)} cannot be read: {token}";
        }

        if (Grant == OAuthGrant.ServiceAccount && !string.IsNullOrEmpty(ServiceAccountFile)
            && Certificates.FindMistake(() => ServiceAccountKey.Read(ServiceAccountFile).Dispose()) is { } key)
        {
            yield return $"{Section}__{nameof(ServiceAccountFile)} cannot be read: {key}";
        }
    }

    private static string OrItsFile(string name) => name is nameof(ClientSecret) or nameof(RefreshToken) ? $" (or {Section}__{name}File)" : "";
}

/// <summary>What we show to the token endpoint to get an access token.</summary>
public enum OAuthGrant
{
    /// <summary>Our own name and secret (RFC 6749, section 4.4), as for Microsoft 365.</summary>
    ClientCredentials,

    /// <summary>What a person's consent has given us (RFC 6749, section 6).</summary>
    RefreshToken,

    /// <summary>A statement that a service account signs (RFC 7523, section 2.1), as for Google Workspace.</summary>
    ServiceAccount,
}
