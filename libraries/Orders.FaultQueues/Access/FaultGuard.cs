using System.Net;
using Microsoft.AspNetCore.Authentication;

namespace Orders.FaultQueues.Access;

/// <summary>
/// What holds for every request to the fault queues and for the details of health, whatever address it asks for: nobody gets
/// in where there are no users, no other site acts in a user's name, and nobody learns anything without signing in.
/// </summary>
internal sealed partial class FaultGuard(RequestDelegate next, FaultUsers users, ILogger<FaultGuard> logger)
{
    public async Task InvokeAsync(HttpContext http)
    {
        if (!users.Any && !DeveloperAccess.Allows(http))
        {
            await FaultProblems.AnswerAsync(
                http, StatusCodes.Status404NotFound, "This is closed here: there are no users. Faults__Users__0__Name, __Role and __PasswordFile add one.");
            return;
        }

        if (CrossSite.IsRefused(http.Request))
        {
            Log.Refused(logger, http.Connection.RemoteIpAddress);
            await FaultProblems.AnswerAsync(
                http, StatusCodes.Status403Forbidden, "A page of another site sent this request. Nothing was done.");
            return;
        }

        if (!(await http.AuthenticateAsync(FaultAccess.Scheme)).Succeeded)
        {
            await http.ChallengeAsync(FaultAccess.Scheme);
            return;
        }

        await next(http);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 241, Level = LogLevel.Warning, Message = "A page of another site made a browser at {Address} act on the fault queues; nothing was done")]
        public static partial void Refused(ILogger logger, IPAddress? address);
    }
}
