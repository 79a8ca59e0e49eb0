using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Notifications.Worker.Protection;

namespace Notifications.Worker.Faults.Access;

/// <summary>Signs users in by HTTP Basic (<see href="https://www.rfc-editor.org/rfc/rfc7617">RFC 7617</see>).</summary>
internal sealed partial class FaultSignIn(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, FaultUsers users, SignInLimit limit)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    /// <summary>Where too many wrong passwords came from this client.</summary>
    private RateLimitLease? _refused;

    protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(SignIn());

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (_refused is not null)
        {
            Response.StatusCode = StatusCodes.Status429TooManyRequests;
            RateLimit.SetRetryAfter(Response, _refused);
            return Task.CompletedTask;
        }

        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers[HeaderNames.WWWAuthenticate] = """Basic realm="Faults", charset="UTF-8" """.TrimEnd();
        return Task.CompletedTask;
    }

    private AuthenticateResult SignIn()
    {
        // ASP.NET takes the only scheme for the default one, and asks it on every request.
        if (!FaultAccess.Guards(Request.Path))
        {
            return AuthenticateResult.NoResult();
        }

        if (!users.Any)
        {
            return DeveloperAccess.Allows(Context)
                ? Success(FaultUsers.PrincipalOf(DeveloperAccess.Name, FaultRole.Operator))
                : AuthenticateResult.NoResult();
        }

        if (!AuthenticationHeaderValue.TryParse(Request.Headers.Authorization, out var header)
            || !string.Equals(header.Scheme, "Basic", StringComparison.OrdinalIgnoreCase))
        {
            return AuthenticateResult.NoResult();
        }

        var user = Decode(header.Parameter ?? "") is { } credentials ? users.Find(credentials) : null;
        var lease = limit.Take(Context, wasRight: user is not null);
        if (!lease.IsAcquired)
        {
            _refused = lease;
            return AuthenticateResult.Fail("Too many wrong names or passwords.");
        }

        if (user is not null)
        {
            return Success(user);
        }

        Log.Refused(Logger, Context.Connection.RemoteIpAddress);
        if (limit.IsUsedUp(Context))
        {
            Log.RefusedForAWhile(Logger, Context.Connection.RemoteIpAddress);
        }

        return AuthenticateResult.Fail("Wrong name or password.");
    }

    private AuthenticateResult Success(ClaimsPrincipal user) => AuthenticateResult.Success(new AuthenticationTicket(user, Scheme.Name));

    private static byte[]? Decode(string base64)
    {
        var buffer = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, buffer, out var length) ? buffer[..length] : null;
    }

    private static partial class Log
    {
        // Not the name: people type their password there.
        [LoggerMessage(EventId = 240, Level = LogLevel.Warning, Message = "Somebody at {Address} gave a wrong name or password for the fault queues")]
        public static partial void Refused(ILogger logger, IPAddress? address);

        [LoggerMessage(EventId = 61, Level = LogLevel.Warning, Message = "Nobody at {Address} can sign in for a while: too many wrong names or passwords came from there")]
        public static partial void RefusedForAWhile(ILogger logger, IPAddress? address);
    }
}
