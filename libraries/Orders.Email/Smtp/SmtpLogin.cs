using System.Net;
using MailKit.Security;
using Microsoft.Extensions.Options;
using Orders.Email.Smtp.OAuth;
using Orders.ServiceDefaults.Configuration;

namespace Orders.Email.Smtp;

/// <summary>Chooses how to log in to the mail server: with a password, with an access token, or not at all.</summary>
internal sealed class SmtpLogin(IOptions<EmailOptions> options, AccessTokens tokens)
{
    private const string OAuthBearer = "OAUTHBEARER";
    private const string XOAuth2 = "XOAUTH2";

    // The strongest first; DIGEST-MD5 (RFC 6331) and NTLM are not among them.
    private static readonly (SmtpAuthentication Setting, string Name)[] Mechanisms =
    [
        (SmtpAuthentication.ScramSha512, "SCRAM-SHA-512"),
        (SmtpAuthentication.ScramSha256, "SCRAM-SHA-256"),
        (SmtpAuthentication.ScramSha1, "SCRAM-SHA-1"),
        (SmtpAuthentication.CramMd5, "CRAM-MD5"),
        (SmtpAuthentication.Plain, "PLAIN"),
        (SmtpAuthentication.Login, "LOGIN"),
    ];

    private readonly SmtpOptions _options = options.Value.Smtp;

    /// <summary>Chooses one mechanism, with all that it needs: some servers lock an account after a few wrong passwords.</summary>
    /// <param name="offered">The names that the server offers.</param>
    /// <param name="cancellationToken">Gives up waiting for a token.</param>
    /// <returns><c>null</c> where there is nothing to log in with.</returns>
    /// <exception cref="MailServerException">The server offers none of ours, or there is no token.</exception>
    public async Task<SaslMechanism?> ChooseAsync(IReadOnlyCollection<string> offered, CancellationToken cancellationToken) =>
        _options.OAuth.IsSet ? await ForTokenAsync(offered, cancellationToken)
        : string.IsNullOrEmpty(_options.Username) ? null
        : ForPassword(offered);

    /// <summary>Hears that the server has refused a login.</summary>
    /// <returns>Whether the next one may succeed: a token may have been revoked, and there may be another one.</returns>
    public bool TryRenew(SaslMechanism refused) => _options.OAuth.IsSet && tokens.TryDrop(refused.Credentials.Password);

    private SaslMechanism ForPassword(IReadOnlyCollection<string> offered)
    {
        var mechanism = Array.Find(
            Mechanisms,
            each => offered.Contains(each.Name) && (_options.Authentication == SmtpAuthentication.Auto || _options.Authentication == each.Setting)).Name
            ?? throw NotOffered("no login that Email__Smtp__Authentication allows", offered);
        var password = string.IsNullOrEmpty(_options.PasswordFile) ? _options.Password! : SecretFiles.Read(_options.PasswordFile);
        return SaslMechanism.Create(mechanism, new NetworkCredential(_options.Username, password))!;
    }

    private async Task<SaslMechanism> ForTokenAsync(IReadOnlyCollection<string> offered, CancellationToken cancellationToken)
    {
        // The standard (RFC 7628) before what it was made of.
        var mechanism = offered.Contains(OAuthBearer) ? OAuthBearer
            : offered.Contains(XOAuth2) ? XOAuth2
            : throw NotOffered($"no login with a token, which {OAuthOptions.Section} needs", offered);
        var credentials = new NetworkCredential(_options.OAuth.Mailbox, await tokens.GetAsync(cancellationToken));
        return mechanism == OAuthBearer ? new SaslMechanismOAuthBearer(credentials) : new SaslMechanismOAuth2(credentials);
    }

    private static MailServerRefusedUsException NotOffered(string what, IReadOnlyCollection<string> offered) =>
        new($"The mail server offers {what}, but {(offered.Count == 0 ? "none at all" : string.Join(", ", offered))}.", wasLetIn: false);
}
