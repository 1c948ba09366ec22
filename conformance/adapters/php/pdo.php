<?php

// How Symfony's PdoSessionHandler on SQLite is opened, for session-handler.php. On Debian it is in the packages
// php-symfony-http-foundation and php-sqlite3. Put your own handler in its place.

require_once 'Symfony/Component/HttpFoundation/autoload.php';

use Symfony\Component\HttpFoundation\Session\Storage\Handler\PdoSessionHandler;

return [
    'name' => 'Symfony PdoSessionHandler',
    'version' => '5.4',
    'capabilities' => ['persistent' => true, 'shared' => true, 'other_storage' => true],
    'hooks' => ['second-process'],
    'open' => function (string $dir, bool $fresh) {
        $file = "$dir/sessions.sqlite";
        if ($fresh && file_exists($file)) {
            unlink($file);
        }
        $handler = new PdoSessionHandler("sqlite:$file", ['lock_mode' => PdoSessionHandler::LOCK_NONE]);
        if ($fresh) {
            $handler->createTable();
        }
        return $handler;
    },
];
