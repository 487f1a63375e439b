@echo off
rem Starts the API, with the browser UI when it was built before. Needs no Node.
setlocal
rem What is set for another Python would lead this one astray.
for /f "delims==" %%V in ('set PYTHON 2^>nul') do set "%%V="
set "PYTHONNOUSERSITE=1"
set "PYTHONUTF8=1"
set "ZIMAGE_FOUND="
if defined ZIMAGE_PYTHON set "ZIMAGE_FOUND="%ZIMAGE_PYTHON%""
if not defined ZIMAGE_FOUND for %%V in (3.13 3.12 3.11) do if not defined ZIMAGE_FOUND (
    py -%%V -c "import sys" >nul 2>nul && set "ZIMAGE_FOUND=py -%%V"
)
if not defined ZIMAGE_FOUND (
    python -c "import sys" >nul 2>nul && set "ZIMAGE_FOUND=python"
)
if not defined ZIMAGE_FOUND (
    echo [z-image] Z-Image needs Python 3.11, 3.12 or 3.13, and none was found. Install it from https://www.python.org 1>&2
    exit /b 3
)
%ZIMAGE_FOUND% "%~dp0launcher" backend %*
exit /b %ERRORLEVEL%
