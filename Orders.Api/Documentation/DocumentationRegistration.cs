using Orders.FaultQueues.Access;
using Orders.FaultQueues.Http;
using Orders.ServiceDefaults.Documentation;

namespace Orders.Api.Documentation;

/// <summary>The OpenAPI document and Swagger UI.</summary>
public static partial class DocumentationRegistration
{
    public static void AddDocumentation(this IHostApplicationBuilder builder) =>
        builder.Services.AddOpenApi("v1", options =>
        {
            options.AddDocumentTransformer((document, _, _) =>
            {
                document.Info.Title = "Orders";
                document.Info.Description = "Takes orders and their shipments. For each one that is accepted, the customer gets an email.";
                // Without an entry it is the server that the document came from, whatever that is called outside.
                document.Servers = null;
                return Task.CompletedTask;
            });
            options.AddPlainSchemas();
            options.AddOperationTransformer<PlaceOrderDocumentation>();
            options.AddOperationTransformer<AnnounceShipmentDocumentation>();
            options.AddOperationTransformer<StatusDocumentation>();
            options.AddSchemaTransformer<PlaceOrderDocumentation>();
            options.AddSchemaTransformer<AnnounceShipmentDocumentation>();
            options.AddSchemaTransformer<StatusDocumentation>();
        });

    /// <summary>
    /// Maps the document, Swagger UI with its files out of this program, and <c>/</c> to lead there, where
    /// <see cref="DocumentationOptions"/> wants them; and says in the log how to place an order.
    /// </summary>
    public static void MapDocumentation(this WebApplication app)
    {
        var isShown = app.ShowsDocumentation();
        if (isShown)
        {
            app.MapPages();
        }

        app.Lifetime.ApplicationStarted.Register(() =>
        {
            foreach (var url in app.Urls)
            {
                if (isShown)
                {
                    Log.Listening(app.Logger, url);
                }
                else
                {
                    Log.ListeningWithoutPages(app.Logger, url);
                }
            }
        });
    }

    private static void MapPages(this WebApplication app)
    {
        // That of the fault queues is mapped with them, where they can be reached.
        app.MapOpenApi("/openapi/{documentName:regex(^v1$)}.json");
        app.UseDocumentation(ui =>
        {
            ui.SwaggerEndpoint("/openapi/v1.json", "Orders v1");
            if (app.IsOpen())
            {
                ui.SwaggerEndpoint(FaultDocumentation.Address, "Fault queues");
            }

            ui.DocumentTitle = "Orders";
            // The operations are what people came for; the types are described beside them.
            ui.DefaultModelsExpandDepth(0);
        });
        app.MapGet("/", () => TypedResults.Redirect(DocumentationPages.Address)).ExcludeFromDescription();
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 10, Level = LogLevel.Information, Message = "Ready for orders. Place one by hand in Swagger UI: {Url}/swagger")]
        public static partial void Listening(ILogger logger, string url);

        [LoggerMessage(EventId = 62, Level = LogLevel.Information, Message = "Ready for orders: POST {Url}/orders")]
        public static partial void ListeningWithoutPages(ILogger logger, string url);
    }
}
