using Microsoft.Extensions.Options;

namespace Notifications.Worker.Hosting;

public static class ValidatedOptions
{
    /// <summary>
    /// Binds a section of the configuration to its options, checks them when the program starts, and takes a key
    /// that does not exist for what it is: a misspelt one.
    /// </summary>
    public static OptionsBuilder<TOptions> AddValidatedOptions<TOptions>(this IHostApplicationBuilder builder, string section)
        where TOptions : class =>
        builder.Services.AddOptions<TOptions>()
            .Bind(builder.Configuration.GetSection(section), binder => binder.ErrorOnUnknownConfiguration = true)
            .ValidateDataAnnotations()
            .ValidateOnStart();
}
