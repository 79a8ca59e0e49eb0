using System.Net;
using System.Security.Authentication;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Orders.Email.Smtp.OAuth;

/// <summary>Gets access tokens over HTTP. What it throws shows no secret and no token.</summary>
internal sealed class TokenEndpoint(IHttpClientFactory http, IOptions<EmailOptions> options)
{
    /// <summary>The name of its <see cref="HttpClient"/>.</summary>
    public const string Client = "Email:Smtp:OAuth";

    /// <summary>The longest answer, in bytes. A token of Microsoft has about two thousand.</summary>
    public const int LongestAnswer = 64 * 1024;

    // A new connection must have time left for the mail server.
    private readonly TimeSpan _timeout = options.Value.Smtp.ConnectTimeout / 2;

    /// <summary>Asks once.</summary>
    /// <exception cref="MailServerUnavailableException">There is no answer, or none that can be read.</exception>
    /// <exception cref="MailServerRefusedUsException">We get no token.</exception>
    public async Task<TokenAnswer> AskAsync(TokenRequest request)
    {
        using var limit = new CancellationTokenSource(_timeout);
        using var client = http.CreateClient(Client);
        try
        {
            using var message = request.ToMessage();
            using var response = await client.SendAsync(message, limit.Token);
            var body = await response.Content.ReadAsByteArrayAsync(limit.Token);
            return response.IsSuccessStatusCode ? TokenAnswer.Read(body) : throw Refusal(request, response.StatusCode, body);
        }
        catch (OperationCanceledException)
        {
            throw new MailServerUnavailableException($"The token endpoint did not answer within {_timeout.TotalSeconds:0.###} s.", wasLetIn: false);
        }
        catch (HttpRequestException exception) when (exception.InnerException is AuthenticationException untrusted)
        {
            throw new MailServerRefusedUsException(TextSanitizer.OneLine($"The token endpoint is not to be trusted: {untrusted.Message}"), wasLetIn: false);
        }
        catch (HttpRequestException exception)
        {
            throw new MailServerUnavailableException(TextSanitizer.OneLine($"The token endpoint does not answer: {exception.Message}"), wasLetIn: false);
        }
    }

    private static MailServerException Refusal(TokenRequest request, HttpStatusCode status, byte[] body)
    {
        var (error, description) = ReadError(body);
        var words = TextSanitizer.OneLine(request.Redact(
            $"The token endpoint refused us with {error ?? $"{(int)status}"}{(string.IsNullOrWhiteSpace(description) ? "." : $": {description}")}"));
        return status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)status >= 500 || error == "temporarily_unavailable"
            ? new MailServerUnavailableException($"The token endpoint has no time for us: it answered {(int)status}.", wasLetIn: false)
            : new MailServerRefusedUsException(words, wasLetIn: false);
    }

    // RFC 6749, section 5.2.
    private static (string? Error, string? Description) ReadError(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return (TokenAnswer.Find(json, "error"), TokenAnswer.Find(json, "error_description"));
        }
        catch (JsonException)
        {
            return (null, null);
        }
    }
}

/// <summary>What the token endpoint gives (RFC 6749, section 5.1).</summary>
/// <param name="AccessToken">The token.</param>
/// <param name="ExpiresIn">How long it holds.</param>
/// <param name="RefreshToken">What takes the place of our refresh token, if anything does.</param>
internal sealed record TokenAnswer(string AccessToken, TimeSpan ExpiresIn, string? RefreshToken)
{
    // Of Microsoft and Google. The mail server's answer corrects us.
    private static readonly TimeSpan UsualLifetime = TimeSpan.FromHours(1);

    /// <summary>Reads the answer.</summary>
    /// <exception cref="MailServerUnavailableException">It has no token.</exception>
    public static TokenAnswer Read(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return Find(json, "access_token") is { } token && IsToken(token)
                ? new TokenAnswer(token, ReadLifetime(Find(json, "expires_in")), Find(json, "refresh_token") is { Length: > 0 } refreshToken ? refreshToken : null)
                : throw new MailServerUnavailableException("The token endpoint answered without a token.", wasLetIn: false);
        }
        catch (JsonException)
        {
            throw new MailServerUnavailableException("The token endpoint answered what is not JSON.", wasLetIn: false);
        }
    }

    /// <summary>Whether a text can be a token, in the visible ASCII of RFC 6749, appendix A.12. Others would break the login.</summary>
    public static bool IsToken(string text) => text.Length > 0 && text.All(c => c is > ' ' and <= '~');

    /// <summary>The value of a text or a number.</summary>
    public static string? Find(JsonDocument json, string name) =>
        json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(name, out var value)
            ? value.ValueKind switch
            {
                JsonValueKind.String => value.GetString(),
                JsonValueKind.Number => value.GetRawText(),
                _ => null,
            }
            : null;

    // In seconds. Some servers give the number as a text.
    private static TimeSpan ReadLifetime(string? expiresIn) =>
        uint.TryParse(expiresIn, out var seconds) && seconds > 0 ? TimeSpan.FromSeconds(seconds) : UsualLifetime;
}
