using System.Net;
using Orders.Email.Smtp.OAuth;
using Orders.ServiceDefaults.Configuration;

namespace Orders.Email.Smtp;

/// <summary>The mail server: configuration section <c>Email:Smtp</c>.</summary>
public sealed class SmtpOptions
{
    private const string Section = $"{EmailOptions.Section}__{nameof(EmailOptions.Smtp)}";

    // RFC 8314, section 3.3.
    private const int PortForTls = 465;

    // A Timer's limit.
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromMilliseconds(int.MaxValue);

    /// <summary>The server's name or address. Each address of the name is tried.</summary>
    public string? Host { get; set; }

    /// <summary>Usually 25 within a network, 587 with <see cref="SmtpSecurity.StartTls"/> and 465 with <see cref="SmtpSecurity.Tls"/>.</summary>
    public int Port { get; set; } = 25;

    /// <summary>How the connection is protected.</summary>
    public SmtpSecurity Security { get; set; } = SmtpSecurity.None;

    /// <summary>The authorities that may vouch for the server, and no others, in a PEM file; by default those that the system trusts.</summary>
    public string? CertificateAuthorityFile { get; set; }

    /// <summary>The certificate to show to a server that asks for one, in a PEM file.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>The private key of <see cref="CertificateFile"/>, in a PEM file, not encrypted.</summary>
    public string? KeyFile { get; set; }

    /// <summary>
    /// What we call ourselves in EHLO (RFC 5321, section 4.1.1.1): a full name, or an address. By default the machine's full
    /// name, or its address where it has none.
    /// </summary>
    public string? EhloName { get; set; }

    /// <summary>How we log in.</summary>
    public SmtpAuthentication Authentication { get; set; } = SmtpAuthentication.Auto;

    /// <summary>The name to log in with; without one there is no login.</summary>
    public string? Username { get; set; }

    public string? Password { get; set; }

    /// <summary>A file that holds <see cref="Password"/>. It is read again for each new connection.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>The login with an access token instead of a password.</summary>
    public OAuthOptions OAuth { get; set; } = new();

    /// <summary>Most connections at once; a send beyond that waits for one. Where the server takes fewer, fewer are used.</summary>
    public int PoolSize { get; set; } = 8;

    /// <summary>
    /// Most emails over one connection; by default 100, and 10 where the server calls itself Exim, which takes further ones but
    /// delivers them only at its next queue run (<c>smtp_accept_queue_per_connection</c>).
    /// </summary>
    public int? EmailsPerConnection { get; set; }

    /// <summary>Most time for a new connection, from looking up the server's name to the end of the login.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Most further time until the server asks for the content.</summary>
    public TimeSpan EnvelopeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Most time from the first byte of the content until the server has taken it. A server that checks for spam may take
    /// its time, and to give up here risks that the email arrives twice.
    /// </summary>
    public TimeSpan ContentTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A connection unused for longer is closed instead of used again: most servers would have closed it by then.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Most time that sending one email can take by these, once there is a connection for it: it may be tried on a kept
    /// connection and, where the server says that it closes that one, on a new one.
    /// </summary>
    internal TimeSpan LongestSend
    {
        get
        {
            var longest = ConnectTimeout + (2 * (EnvelopeTimeout + ContentTimeout));
            return longest < LongestTimeout ? longest : LongestTimeout;
        }
    }

    /// <summary>What would fail later; each line names the environment variable.</summary>
    internal IEnumerable<string> FindMistakes() =>
        [.. FindMistakesOfServer(), .. FindMistakesOfLogin(), .. FindMistakesOfOAuth(), .. FindMistakesOfTls(), .. FindMistakesOfLimits()];

    private IEnumerable<string> FindMistakesOfServer()
    {
        if (string.IsNullOrWhiteSpace(Host))
        {
            yield return $"{Section}__Host is required when Email__Delivery is Smtp.";
        }

        if (Port is < 1 or > IPEndPoint.MaxPort)
        {
            yield return $"{Section}__Port must be 1 to 65535, but is {Port}.";
        }

        if (Port == PortForTls && Security != SmtpSecurity.Tls)
        {
            yield return $"{Section}__Security must be Tls when {Section}__Port is 465: the server waits for TLS there before it says anything.";
        }

        if (!string.IsNullOrEmpty(EhloName) && !IPAddress.TryParse(EhloName, out _) && Uri.CheckHostName(EhloName) != UriHostNameType.Dns)
        {
            yield return $"{Section}__EhloName must be a full name like worker.shop.example, or an address, but is '{EhloName}'.";
        }
    }

    private IEnumerable<string> FindMistakesOfLogin()
    {
        if (string.IsNullOrEmpty(Username) != string.IsNullOrEmpty(Password))
        {
            yield return $"{Section}__Username and {Section}__Password (or {Section}__PasswordFile) must be set together or not at all.";
        }

        // RFC 4954, section 4: no plain password over a connection that anybody on the way can read.
        if (!string.IsNullOrEmpty(Password) && Security == SmtpSecurity.None && !IsLoopback(Host))
        {
            yield return $"{Section}__Security must be StartTls or Tls when {Section}__Password is set and {Section}__Host is another machine: "
                + "the password would be sent in clear.";
        }
    }

    private IEnumerable<string> FindMistakesOfOAuth()
    {
        if (!OAuth.IsSet)
        {
            yield break;
        }

#if FLUENT_EMAIL
        yield return $"{OAuthOptions.Section} is not known to a build with FluentEmail.";
#endif
        if (!string.IsNullOrEmpty(Username) || !string.IsNullOrEmpty(Password))
        {
            yield return $"{Section}__Username and {OAuthOptions.Section} must not both be set: we log in with a password or with a token.";
        }

        if (Authentication != SmtpAuthentication.Auto)
        {
            yield return $"{Section}__Authentication must be Auto when {OAuthOptions.Section} is used: the others are logins with a password.";
        }

        // RFC 6750, section 5.3: whoever reads a token can use it.
        if (Security == SmtpSecurity.None && !IsLoopback(Host))
        {
            yield return $"{Section}__Security must be StartTls or Tls when {OAuthOptions.Section} is used and {Section}__Host is another machine: "
                + "the token would be sent in clear.";
        }

        foreach (var mistake in OAuth.FindMistakes())
        {
            yield return mistake;
        }
    }

    private IEnumerable<string> FindMistakesOfTls()
    {
        if (Security != SmtpSecurity.None)
        {
            return Certificates.FindMistakes(Section, CertificateAuthorityFile, CertificateFile, KeyFile);
        }

        return from setting in new (string Name, string? Value)[]
               {
                   (nameof(CertificateAuthorityFile), CertificateAuthorityFile),
                   (nameof(CertificateFile), CertificateFile),
                   (nameof(KeyFile), KeyFile),
               }
               where !string.IsNullOrEmpty(setting.Value)
               select $"{Section}__{setting.Name} needs {Section}__Security to be StartTls or Tls.";
    }

    private IEnumerable<string> FindMistakesOfLimits()
    {
        if (PoolSize is < 1 or > 1000)
        {
            yield return $"{Section}__PoolSize must be 1 to 1000, but is {PoolSize}.";
        }

        if (EmailsPerConnection < 1)
        {
            yield return $"{Section}__EmailsPerConnection must be 1 or more, but is {EmailsPerConnection}.";
        }

        foreach (var (name, timeout) in new[]
        {
            (nameof(ConnectTimeout), ConnectTimeout),
            (nameof(EnvelopeTimeout), EnvelopeTimeout),
            (nameof(ContentTimeout), ContentTimeout),
        })
        {
            if (timeout <= TimeSpan.Zero || timeout > LongestTimeout)
            {
                yield return $"{Section}__{name} must be a positive time like 00:00:30, but is {timeout}.";
            }
        }

        if (IdleTimeout < TimeSpan.Zero)
        {
            yield return $"{Section}__IdleTimeout must not be negative, but is {IdleTimeout}.";
        }
    }

    private static bool IsLoopback(string? host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}

/// <summary>How the connection to the mail server is protected.</summary>
public enum SmtpSecurity
{
    /// <summary>Not at all: for a mail server on the same host or network.</summary>
    None,

    /// <summary>STARTTLS (RFC 3207), required: nothing is sent to a server that doesn't offer it or has no valid certificate.</summary>
    StartTls,

    /// <summary>TLS from the first byte on (RFC 8314), usually on port 465.</summary>
    Tls,
}

/// <summary>How we log in to the mail server (RFC 4954): the names that <c>AUTH</c> knows.</summary>
public enum SmtpAuthentication
{
    /// <summary>By the strongest of these that the server offers, once.</summary>
    Auto,

    /// <summary><c>SCRAM-SHA-512</c>.</summary>
    ScramSha512,

    /// <summary><c>SCRAM-SHA-256</c> (RFC 7677).</summary>
    ScramSha256,

    /// <summary><c>SCRAM-SHA-1</c> (RFC 5802).</summary>
    ScramSha1,

    /// <summary><c>CRAM-MD5</c> (RFC 2195).</summary>
    CramMd5,

    /// <summary><c>PLAIN</c> (RFC 4616).</summary>
    Plain,

    /// <summary><c>LOGIN</c>, which is older than all standards.</summary>
    Login,
}
