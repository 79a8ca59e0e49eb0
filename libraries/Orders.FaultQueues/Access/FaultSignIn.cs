using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Orders.ServiceDefaults.Protection;

namespace Orders.FaultQueues.Access;

/// <summary>Signs users in by HTTP Basic (<see href="https://www.rfc-editor.org/rfc/rfc7617">RFC 7617</see>).</summary>
internal sealed partial class FaultSignIn(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory loggers,
    UrlEncoder encoder,
    FaultUsers users,
    SignInLimit limit,
    SignInAlert alert)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    /// <summary>When this client may try again, where too many wrong passwords came from it or for the name.</summary>
    private TimeSpan? _retryAfter;

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (_retryAfter is { } wait)
        {
            Response.StatusCode = StatusCodes.Status429TooManyRequests;
            RetryAfter.Set(Response, wait);
            return Task.CompletedTask;
        }

        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers[HeaderNames.WWWAuthenticate] = """Basic realm="Faults", charset="UTF-8" """.TrimEnd();
        return Task.CompletedTask;
    }

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
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

        switch (limit.Try(Client.Of(Context), Decode(header.Parameter ?? "")))
        {
            case SignInTry.Right(var user):
                return Success(user);

            case SignInTry.Refused(var retryAfter):
                _retryAfter = retryAfter;
                return AuthenticateResult.Fail("Too many wrong names or passwords.");

            case SignInTry.Wrong(var usedUp, var slowed):
                Log.Refused(Logger, Context.Connection.RemoteIpAddress);
                if (usedUp)
                {
                    Log.RefusedForAWhile(Logger, Context.Connection.RemoteIpAddress);
                }

                if (slowed is not null && !await alert.PublishAsync(slowed))
                {
                    limit.SayAgain(slowed);
                }

                break;
        }

        return AuthenticateResult.Fail("Wrong name or password.");
    }

    private AuthenticateResult Success(ClaimsPrincipal user) => AuthenticateResult.Success(new AuthenticationTicket(user, Scheme.Name));

    /// <returns>Nothing where it is not base64, which is nobody's name and password either.</returns>
    private static byte[] Decode(string base64)
    {
        var buffer = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, buffer, out var length) ? buffer[..length] : [];
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
