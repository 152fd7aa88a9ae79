using System.Data.Common;
using System.Text;

namespace VmSim.Host.Service;

/// <summary>Commands of SQL, in the form that all databases of a store understand: values are called <c>@name</c>.</summary>
internal static class StoreCommand
{
    /// <summary>Runs a command.</summary>
    /// <returns>How many rows it has changed.</returns>
    public static int Run(DbConnection connection, string sql, params (string Name, object Value)[] values)
    {
        using DbCommand command = Of(connection, sql, values);
        return command.ExecuteNonQuery();
    }

    /// <summary>The first value that a command gives.</summary>
    public static object? Scalar(DbConnection connection, string sql, params (string Name, object Value)[] values)
    {
        using DbCommand command = Of(connection, sql, values);
        return command.ExecuteScalar();
    }

    /// <summary>A command, whose values are no part of its text.</summary>
    public static DbCommand Of(DbConnection connection, string sql, params (string Name, object Value)[] values)
    {
        DbCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object value) in values)
        {
            DbParameter parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value is string text ? Storable(text) : value;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>A text as every database can hold it: without the character 0, and without halves of characters.</summary>
    private static string Storable(string text) =>
        text.Contains('\0', StringComparison.Ordinal) || text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF')
            ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\0', '\uFFFD')
            : text;
}
