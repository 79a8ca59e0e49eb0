using System.Net.Mime;
using Orders.ServiceDefaults.Configuration;

namespace Orders.Email.Smtp.OAuth;

/// <summary>Makes the requests for access tokens. It reads the secrets again for each. One user at a time.</summary>
internal sealed class TokenGrant(OAuthOptions options, TimeProvider time)
{
    // What the settings gave last, and what the token endpoint gave in its place since.
    private string? _given;
    private string? _successor;

    /// <summary>Makes the next request.</summary>
    public TokenRequest MakeRequest() => options.Grant switch
    {
        OAuthGrant.ClientCredentials => MakeRequest("client_credentials"),
        OAuthGrant.RefreshToken => MakeRequest("refresh_token", ("refresh_token", RefreshToken())),
        _ => MakeAssertion(),
    };

    /// <summary>Uses a new refresh token from now on: the old one may have ended (RFC 6749, section 6).</summary>
    public void Replace(string refreshToken) => _successor = refreshToken;

    private TokenRequest MakeRequest(string grantType, params (string Name, string Secret)[] proof)
    {
        var secret = ReadSecret(options.ClientSecret, options.ClientSecretFile);
        // RFC 6749, section 2.3.1: Microsoft and Google take a name and a secret in the form.
        return new TokenRequest(
            new Uri(options.TokenEndpoint!),
            [("grant_type", grantType), ("client_id", options.ClientId), ("scope", options.Scope)],
            [("client_secret", secret), .. proof]);
    }

    private TokenRequest MakeAssertion()
    {
        using var key = ServiceAccountKey.Read(options.ServiceAccountFile!);
        var endpoint = string.IsNullOrEmpty(options.TokenEndpoint) ? key.Endpoint : new Uri(options.TokenEndpoint);
        if (endpoint is null)
        {
            throw new MailServerRefusedUsException($"{OAuthOptions.Section}__{nameof(OAuthOptions.ServiceAccountFile)} has no token_uri that begins with https://.", wasLetIn: false);
        }

        return new TokenRequest(
            endpoint,
            [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")],
            [("assertion", key.Assert(endpoint, options.Mailbox!, options.Scope!, time.GetUtcNow()))]);
    }

    private string RefreshToken()
    {
        var given = ReadSecret(options.RefreshToken, options.RefreshTokenFile)!;
        if (given != _given)
        {
            // Who writes another one into the file wants that one.
            (_given, _successor) = (given, null);
        }

        return _successor ?? given;
    }

    private static string? ReadSecret(string? secret, string? file) => string.IsNullOrEmpty(file) ? secret : SecretFiles.Read(file);
}

/// <summary>A request for an access token.</summary>
/// <param name="Endpoint">Whom it is for.</param>
/// <param name="Fields">What the form says. Empty fields are left out.</param>
/// <param name="Secrets">What the form says besides, and what nobody else may learn.</param>
internal sealed record TokenRequest(Uri Endpoint, (string Name, string? Value)[] Fields, (string Name, string? Value)[] Secrets)
{
    /// <summary>Makes it a message.</summary>
    public HttpRequestMessage ToMessage() => new(HttpMethod.Post, Endpoint)
    {
        Content = new FormUrlEncodedContent(
            from field in Fields.Concat(Secrets)
            where !string.IsNullOrEmpty(field.Value)
            select KeyValuePair.Create(field.Name, field.Value)),
        Headers = { Accept = { new(MediaTypeNames.Application.Json) } },
    };

    /// <summary>Takes our secrets out of a text, should an answer repeat them.</summary>
    public string Redact(string text) =>
        Secrets.Where(secret => !string.IsNullOrEmpty(secret.Value)).Aggregate(text, (rest, secret) => rest.Replace(secret.Value!, "(secret)", StringComparison.Ordinal));
}
