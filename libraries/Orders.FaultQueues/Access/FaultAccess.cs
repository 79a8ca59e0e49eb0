using Microsoft.Extensions.DependencyInjection.Extensions;
using Orders.FaultQueues.Inspection;
using Orders.Messaging;
using Orders.Messaging.Operators;
using Orders.ServiceDefaults.Configuration;
using Orders.ServiceDefaults.Health;

namespace Orders.FaultQueues.Access;

/// <summary>Who may do what with faults, as names of authorization policies and of the roles behind them.</summary>
public static class FaultAccess
{
    /// <summary>May look. Operators may as well.</summary>
    public const string Reader = "faults-reader";

    /// <summary>May act.</summary>
    public const string Operator = "faults-operator";

    /// <summary>What all addresses of the fault queues begin with.</summary>
    public const string Path = "/faults";

    /// <summary>What all addresses of the API begin with.</summary>
    internal const string ApiPath = $"{Path}/api";

    /// <summary>How long a user whose passwords are tried waits from one try to the next.</summary>
    public static readonly TimeSpan SignInPause = SignInLimit.Pause;

    /// <summary>The authentication scheme.</summary>
    internal const string Scheme = "Faults";

    /// <summary>Adds the users and the two policies, for both programs in each of their roles.</summary>
    public static void AddFaultAccess(this IHostApplicationBuilder builder)
    {
        // Every browser is asked for a name and a password once; a wrong one is told as a warning.
        builder.AddConfigurationDefaults(($"Logging:LogLevel:{typeof(FaultAccess).Namespace}", "Warning"));
        builder.AddValidatedOptions<FaultsOptions>(FaultsOptions.Section);
        builder.Services.AddPublishedMessages(typeof(SignInsSlowed));
        builder.Services.AddSingleton<SignInLimit>();
        builder.Services.TryAddSingleton<OperatorEvents>();
        builder.Services.AddSingleton<SignInAlert>();
        builder.Services.AddSingleton<FaultUsers>();
        // Not AddAuthentication: that would make keys for cookies, which are not used here, and keep them in a folder.
        builder.Services.AddAuthenticationCore(options => options.AddScheme<FaultSignIn>(Scheme, displayName: null));
        builder.Services.AddTransient<FaultSignIn>();
        builder.Services.AddWebEncoders();
        builder.Services.AddAuthorizationBuilder()
            .AddPolicy(Reader, policy => policy.AddAuthenticationSchemes(Scheme).RequireRole(Reader))
            .AddPolicy(Operator, policy => policy.AddAuthenticationSchemes(Scheme).RequireRole(Operator));
    }

    /// <summary>Whether this process works on the fault queues.</summary>
    internal static bool HasFaults(this WebApplication app) => app.Services.GetService<FaultInspector>() is not null;

    /// <summary>Whether anybody can get at fault queues at all, in this program and its environment.</summary>
    public static bool IsOpen(this WebApplication app) =>
        app.HasFaults()
        && (app.Services.GetRequiredService<FaultUsers>().Any || app.Environment.IsDevelopment());

    /// <summary>Whether an address is for those alone who have signed in.</summary>
    internal static bool Guards(PathString path) => path.StartsWithSegments(Path) || path.StartsWithSegments(HealthEndpoints.DetailsPath);

    /// <summary>Guards what is for those alone who have signed in, and answers its errors in words of its own.</summary>
    internal static void UseFaultAccess(this WebApplication app)
    {
        var hasFaults = app.HasFaults();
        app.UseWhen(
            http => Guards(http.Request.Path) && (hasFaults || !http.Request.Path.StartsWithSegments(Path)),
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
