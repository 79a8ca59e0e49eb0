using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Orders.ServiceDefaults.Configuration;

namespace Orders.Email.Smtp.OAuth;

/// <summary>
/// The access token that we have. It is fetched when it is first needed, and again before it ends. All who wait for one
/// share one request.
/// </summary>
internal sealed partial class AccessTokens(TokenEndpoint endpoint, IOptions<EmailOptions> options, TimeProvider time, ILogger<AccessTokens> logger)
{
    private static readonly TimeSpan LeastRemainder = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly OAuthOptions _options = options.Value.Smtp.OAuth;
    private readonly TokenGrant _grant = new(options.Value.Smtp.OAuth, time);
    private CachedToken? _held;
    private Task<CachedToken>? _fetching;

    /// <summary>Gives a token that holds.</summary>
    /// <exception cref="MailServerException">There is none to be had. A file that cannot be read throws what files do.</exception>
    public async Task<string> GetAsync(CancellationToken cancellationToken)
    {
        if (!string.IsNullOrEmpty(_options.TokenFile))
        {
            return ReadFile(_options.TokenFile);
        }

        Task<CachedToken> fetching;
        CachedToken? held;
        lock (_lock)
        {
            held = _held;
            if (held is not null && time.GetElapsedTime(held.Since) < held.RenewAfter)
            {
                return held.Token;
            }

            if (_fetching is null || _fetching.IsCompleted)
            {
                // Whoever gives up must not take it from the others, so it has a time-out of its own.
                _fetching = FetchAsync();
            }

            fetching = _fetching;
        }

        try
        {
            return (await fetching.WaitAsync(cancellationToken)).Token;
        }
        catch (Exception exception) when (fetching.IsFaulted && held is not null && time.GetElapsedTime(held.Since) < held.EndsAfter)
        {
            Log.NotRenewed(logger, exception.Message, held.EndsAfter - time.GetElapsedTime(held.Since));
            return held.Token;
        }
    }

    /// <summary>Hears that the mail server has refused a token, which may have been revoked.</summary>
    /// <returns>Whether there may be another one.</returns>
    public bool TryDrop(string token)
    {
        if (!string.IsNullOrEmpty(_options.TokenFile))
        {
            return ReadFile(_options.TokenFile) != token;
        }

        lock (_lock)
        {
            if (_held?.Token == token)
            {
                _held = null;
            }

            return true;
        }
    }

    /// <summary>Reads the token of a file.</summary>
    /// <exception cref="CryptographicException">It has none. The message shows nothing of it.</exception>
    public static string ReadFile(string file)
    {
        var token = SecretFiles.Read(file);
        return TokenAnswer.IsToken(token) ? token : throw new CryptographicException("It holds no access token.");
    }

    private async Task<CachedToken> FetchAsync()
    {
        // The lock is for short steps only: signing and reading files are none.
        await Task.Yield();
        var since = time.GetTimestamp();
        var answer = await endpoint.AskAsync(_grant.MakeRequest());
        if (_options.Grant == OAuthGrant.RefreshToken && answer.RefreshToken is { } refreshToken)
        {
            _grant.Replace(refreshToken);
        }

        var remainder = Max(answer.ExpiresIn / 10, LeastRemainder);
        // A token may hold for less than twice that.
        var fetched = new CachedToken(answer.AccessToken, since, Max(answer.ExpiresIn - remainder, answer.ExpiresIn / 2), answer.ExpiresIn);
        lock (_lock)
        {
            return _held = fetched;
        }
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    /// <param name="Token">The token.</param>
    /// <param name="Since">The timestamp before the request for it.</param>
    /// <param name="RenewAfter">How long after that it is time for another one.</param>
    /// <param name="EndsAfter">How long after that it ends.</param>
    private sealed record CachedToken(string Token, long Since, TimeSpan RenewAfter, TimeSpan EndsAfter);

    private static partial class Log
    {
        [LoggerMessage(2125, LogLevel.Warning, "The access token for the mail server cannot be renewed, and ends in {Remainder}. {Reason}")]
        public static partial void NotRenewed(ILogger logger, string reason, TimeSpan remainder);
    }
}
