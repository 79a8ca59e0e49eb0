using Notifications.Worker.Faults.Http;

namespace Notifications.Worker.Faults.Access;

/// <summary>Who may do what with faults, as names of authorization policies and of the roles behind them.</summary>
public static class FaultAccess
{
    /// <summary>May look. Operators may as well.</summary>
    public const string Reader = "faults-reader";

    /// <summary>May act.</summary>
    public const string Operator = "faults-operator";

    /// <summary>What all addresses of the fault queues begin with.</summary>
    public const string Path = "/faults";

    /// <summary>The authentication scheme.</summary>
    internal const string Scheme = "Faults";

    /// <summary>Adds the users and the two policies.</summary>
    public static void AddFaultAccess(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<FaultUsers>();
        // Not AddAuthentication: that would make keys for cookies, which are not used here, and keep them in a folder.
        builder.Services.AddAuthenticationCore(options => options.AddScheme<FaultSignIn>(Scheme, displayName: null));
        builder.Services.AddTransient<FaultSignIn>();
        builder.Services.AddWebEncoders();
        builder.Services.AddAuthorizationBuilder()
            .AddPolicy(Reader, policy => policy.AddAuthenticationSchemes(Scheme).RequireRole(Reader))
            .AddPolicy(Operator, policy => policy.AddAuthenticationSchemes(Scheme).RequireRole(Operator));
    }

    /// <summary>Whether anybody can get in at all, in this program and its environment.</summary>
    public static bool IsOpen(this WebApplication app) =>
        app.Services.GetService<FaultUsers>() is { } users && (users.Any || app.Environment.IsDevelopment());

    /// <summary>Guards everything below <see cref="Path"/>, and answers its errors in words of its own.</summary>
    internal static void UseFaultAccess(this IApplicationBuilder app)
    {
        app.UseWhen(
            http => http.Request.Path.StartsWithSegments(Path),
            faults =>
            {
                faults.UseFaultProblems();
                faults.UseMiddleware<FaultGuard>();
            });
        // Here, so that what they refuse is answered in those words too.
        app.UseAuthentication();
        app.UseAuthorization();
    }
}
